"""An evaluation that broke off leaves nothing to the next one of the process."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from tests.tiny import tiny_config

pytestmark = pytest.mark.slow


class BreakOff(Hook):
    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if batch_idx == 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize('shuffle', [False, True])
def test_scores_are_those_of_the_model_that_is_evaluated(tmp_path, shuffle):
    cfg = tiny_config(
        tmp_path / 'data',
        tmp_path / 'work',
        val_dataloader__batch_size=5,
        val_dataloader__sampler__shuffle=shuffle,
    )
    cfg.default_hooks.pop('report')
    cfg.default_hooks.checkpoint.save_best = None
    runner = Runner.from_cfg(cfg)
    stop = BreakOff()
    runner.register_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        runner.val()
    runner.hooks.remove(stop)
    torch.manual_seed(1)
    for weight in runner.model.parameters():  # as training would: another model
        torch.nn.init.normal_(weight, std=0.1)
    found = runner.val_loop.run()
    assert len(runner.val_evaluator.metrics[0].store) == 0
    assert found == runner.val_loop.run()
