"""What a GPU changes, against the CPU; skipped where there is none."""

import copy
import os
import signal

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS
from mmengine.runner import Runner

from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.engine.config import use_amp
from reid_fusedloss.functional import evaluate_ranking, k_reciprocal_rerank
from tests.engine.processes import finish, free_port, start, stop_when, write_config
from tests.tiny import REPOSITORY, tiny_config

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
LOSS = dict(
    id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0),
    circle=dict(
        type='reid_fusedloss.CircleLoss',
        reads='cosines',
        weight=1.0,
        form='class',
        margin=0.35,
        gamma=64,
        label_smoothing=0.1,
    ),
    pairs=dict(
        type='reid_fusedloss.CircleLoss',
        reads='bn',
        weight=1.0,
        form='anchor',
        margin=0.25,
        gamma=128,
    ),
    triplet=dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=1.0),
    center=dict(type='reid_fusedloss.CenterLoss', reads='pooled', weight=0.005),
)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Folder of a tiny training in mixed precision on the GPU."""
    folder = tmp_path_factory.mktemp('gpu')
    cfg = tiny_config(folder / 'data', folder / 'work')
    use_amp(cfg)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert next(runner.model.parameters()).is_cuda
    return folder


def test_losses_and_gradients_are_those_of_the_cpu():
    torch.manual_seed(0)
    head = MODELS.build(
        dict(
            type='reid_fusedloss.BNNeckHead',
            num_classes=16,
            in_channels=256,
            loss=dict(type='reid_fusedloss.FusedLoss', terms=LOSS),
        )
    )
    head.init_weights()
    pooled = torch.randn(64, 256)
    labels = torch.arange(16).repeat_interleave(4)
    found = {}
    for device in ('cpu', 'cuda'):
        mine = copy.deepcopy(head).to(device)
        features = pooled.clone().to(device).detach().requires_grad_()
        losses = mine.loss_module(mine.tensors(features, mine.loss_module.reads), labels.to(device))
        sum(losses.values()).backward()
        found[device] = {
            **{name: loss.detach().cpu() for name, loss in losses.items()},
            'gradient': features.grad.cpu(),
            'centres': mine.loss_module.terms['center'].centers.cpu(),
        }
    for name, value in found['cpu'].items():
        torch.testing.assert_close(found['cuda'][name], value, rtol=1e-4, atol=1e-4, msg=name)


def test_ranking_and_reranking_are_those_of_the_cpu():
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((40, 64))
    pids = np.arange(400) % 40
    features = (centres[pids] + 1.5 * generator.standard_normal((400, 64))).astype(np.float32)
    cams = np.arange(400) // 40 % 6
    parts = torch.from_numpy(features).split([80, 320])
    labels = (pids[:80], pids[80:], cams[:80], cams[80:])
    expected = evaluate_ranking(*parts, *labels, rerank={})
    found = evaluate_ranking(*(part.cuda() for part in parts), *labels, rerank={})
    assert found == pytest.approx(expected, abs=0.02)
    torch.testing.assert_close(
        k_reciprocal_rerank(*(part.cuda() for part in parts)),
        k_reciprocal_rerank(*parts),
        rtol=0,
        atol=1e-5,
    )


def test_features_are_those_of_the_cpu(trained):
    found = {
        device: ReIDInferencer(trained / 'work', device=device, progress=False)(
            trained / 'data' / 'query'
        )
        for device in ('cpu', 'cuda')
    }
    np.testing.assert_allclose(found['cuda'].features, found['cpu'].features, atol=2e-3)  # TF32


def test_nccl_with_gathered_losses_stops_at_a_signal_and_resumes(tmp_path):
    """One process on NCCL: what torchrun starts on a machine with one GPU."""
    config = write_config(
        tmp_path,
        train_cfg__max_epochs=20,
        train_cfg__val_interval=20,
        model__head__loss__terms__triplet__gather=True,
    )
    folder = tmp_path / 'work'
    variables = dict(
        NNODES='1',
        PORT=free_port(),
        CUDA_VISIBLE_DEVICES='0',
        PYTHONPATH=f'{REPOSITORY}{os.pathsep}{os.environ.get("PYTHONPATH", "")}',
    )
    process = start(config, folder, '--amp', **variables)
    stop_when(process, folder, 'Epoch(train)  [3]', signal.SIGTERM)
    assert (folder / 'interrupted.pth').is_file()
    text = finish(start(config, folder, '--amp', '--resume', **variables), folder)
    assert 'resumed epoch: ' in text and (folder / 'epoch_20.pth').is_file()
