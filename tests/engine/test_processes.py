"""Stops of real processes: SIGKILL and SIGTERM to all of a group, with workers, on two ranks."""

import signal

import pytest

from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences
from tests.engine.processes import finish, start, stop_when, write_config

pytestmark = pytest.mark.slow

LAST = 'epoch_4.pth'
OPTIONS = dict(
    train_cfg__max_epochs=4,
    train_cfg__val_interval=2,
    param_scheduler__1__end=4,
    train_dataloader__dataset__images_per_camera=12,
)  # 18 steps an epoch


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    options = {
        **OPTIONS,
        'val_dataloader__dataset__images_per_camera': 12,
        'default_hooks__stop_signal__interval': 2,
        'train_dataloader__num_workers': 2,
        'val_dataloader__num_workers': 1,
        'val_dataloader__persistent_workers': True,
    }
    return write_config(tmp_path_factory.mktemp('config'), **options)


@pytest.fixture(scope='module', params=[1, 2], ids=['one process', 'two processes'])
def straight(request, config, tmp_path_factory):
    """A training without a stop: number of processes, last checkpoint."""
    folder = tmp_path_factory.mktemp('straight') / 'work'
    finish(start(config, folder, processes=request.param), folder)
    return request.param, load_checkpoint_file(folder / LAST)


def test_killed_in_the_third_epoch_and_told_to_stop_in_the_fourth(config, straight, tmp_path):
    processes, expected = straight
    number = signal.SIGTERM if processes == 1 else signal.SIGUSR1
    folder = tmp_path / 'work'
    process = start(config, folder, processes=processes)
    stop_when(process, folder, 'Epoch(train) [3][ 3/', signal.SIGKILL)
    assert process.returncode != 0 and not (folder / 'interrupted.pth').exists()
    process = start(config, folder, '--resume', processes=processes)
    stop_when(process, folder, 'Epoch(train) [4][ 3/', number)
    assert process.returncode != 0
    saved = load_checkpoint_file(folder / 'interrupted.pth')
    assert 54 < saved['meta']['iter'] < 72
    assert len(saved['meta'].get('rank_buffers', [0])) == processes
    text = finish(start(config, folder, '--resume', processes=processes), folder)
    for at in ('epoch: 2, iter: 36', f'epoch: 3, iter: {saved["meta"]["iter"]}'):
        assert f'resumed {at}' in text
    found = list(differences(load_checkpoint_file(folder / LAST), expected))
    assert not found, found
    assert not list(folder.glob('.*')) and not (folder / 'interrupted.pth').exists()
