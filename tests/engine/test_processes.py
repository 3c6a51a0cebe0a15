"""Stops of real processes: SIGKILL and SIGTERM to all of a group, with workers, on two ranks."""
import signal

import pytest

from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences
from tests.engine.processes import finish, start, stop_when, write_config

LAST = 'epoch_4.pth'
OPTIONS = dict(train_cfg__max_epochs=4, train_cfg__val_interval=2, param_scheduler__1__end=4,
               train_dataloader__dataset__images_per_camera=12)  # 18 steps an epoch


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    options = {**OPTIONS, 'val_dataloader__dataset__images_per_camera': 12,
               'train_dataloader__num_workers': 2, 'val_dataloader__num_workers': 1,
               'val_dataloader__persistent_workers': True}
    return write_config(tmp_path_factory.mktemp('config'), **options)


@pytest.fixture(scope='module', params=[1, 2], ids=['one process', 'two processes'])
def straight(request, config, tmp_path_factory):
    """A training without a stop: number of processes, last checkpoint."""
    folder = tmp_path_factory.mktemp('straight') / 'work'
    finish(start(config, folder, processes=request.param), folder)
    return request.param, load_checkpoint_file(folder / LAST)


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_stopped_in_the_third_epoch(config, straight, tmp_path, number):
    processes, expected = straight
    if number == (signal.SIGUSR1 if processes == 1 else signal.SIGTERM):
        pytest.skip('the other of the two signals is sent to so many processes')
    folder = tmp_path / 'work'
    process = start(config, folder, processes=processes)
    stop_when(process, folder, 'Epoch(train) [3][ 5/', number)
    assert process.returncode != 0
    if number != signal.SIGKILL:
        saved = load_checkpoint_file(folder / 'interrupted.pth')
        assert 36 < saved['meta']['iter'] < 54
        assert len(saved['meta'].get('rank_buffers', [0])) == processes
    else:
        assert not (folder / 'interrupted.pth').exists()
    text = finish(start(config, folder, '--resume', processes=processes), folder)
    iteration = 36 if number == signal.SIGKILL else saved['meta']['iter']
    assert f'resumed epoch: 2, iter: {iteration}' in text
    found = list(differences(load_checkpoint_file(folder / LAST), expected))
    assert not found, found
