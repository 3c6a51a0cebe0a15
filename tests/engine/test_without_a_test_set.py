"""A training without validation and test, and what then is missing."""

import pytest
from mmengine.runner import Runner

from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.engine.config import load_config
from reid_fusedloss.visualization import load_scalars
from tests.calling import call
from tests.engine.processes import write_config
from tests.tiny import DEMO, tiny_config, tiny_options

NONE = ''.join(
    f'{kind}_dataloader = {kind}_cfg = {kind}_evaluator = None\n' for kind in ('val', 'test')
)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config and work_dir of such a training."""
    folder = tmp_path_factory.mktemp('alone')
    config = write_config(folder, train_cfg__max_epochs=1)
    alone = folder / 'alone.py'
    alone.write_text(
        f"_base_ = '{config}'\n{NONE}default_hooks = dict(report=dict("
        "type='reid_fusedloss.ReIDReportHook'))\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        call(patch, 'train', alone, '--work-dir', folder / 'work')
    return alone, folder / 'work'


def test_it_trains_and_saves(trained):
    names = {path.name for path in trained[1].iterdir()}
    assert {'epoch_1.pth', 'alone.py', 'curves.png'} <= names and 'scores.json' not in names
    assert len(load_scalars(trained[1])['train']) == 3


def test_what_needs_the_test_set_says_so(trained, monkeypatch):
    config, work = trained
    with pytest.raises(ValueError, match=r'alone.py has no test set \(test_dataloader is None\)'):
        call(monkeypatch, 'test', config, work / 'epoch_1.pth')
    with pytest.raises(ValueError, match='has no test set'):
        ReIDInferencer(work, device='cpu')


@pytest.mark.slow
def test_it_goes_on(trained, monkeypatch):
    config, work = trained
    call(
        monkeypatch,
        'train',
        config,
        '--work-dir',
        work,
        '--resume',
        '--cfg-options',
        'train_cfg.max_epochs=2',
    )
    assert (work / 'epoch_2.pth').exists()


@pytest.mark.parametrize('lost', ['val_evaluator', 'test_dataloader', 'val_cfg'])
def test_the_keys_belong_together(tmp_path, lost):
    kind = lost.split('_')[0]
    with pytest.raises(
        ValueError,
        match=f'{kind}_dataloader, {kind}_cfg, {kind}_evaluator must be set together, or all be '
        'None: got only',
    ):
        load_config(DEMO, options={**tiny_options(tmp_path), lost: None})


def test_a_hook_that_is_none_is_switched_off(tmp_path):
    cfg = tiny_config(
        tmp_path / 'data',
        tmp_path / 'work',
        **{f'default_hooks__{name}': None for name in ('report', 'skipped_images', 'timer')},
    )
    kinds = {type(hook).__name__ for hook in Runner.from_cfg(cfg).hooks}
    assert 'RunInfoHook' in kinds
    assert not {'ReIDReportHook', 'SkippedImagesHook', 'IterTimerHook'} & kinds
