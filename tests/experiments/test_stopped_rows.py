"""A row goes on from wherever its training stands, and removes files of its own alone."""

import json

import pytest

from tests.experiments.fake import Machine, write_checkpoint
from tests.experiments.test_ablation import checkpoints, folder, run

ROW = ['table2/2_re.py']


@pytest.fixture
def stopped(tmp_path):
    """A row that was stopped after 20 of 24 epochs."""
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, ROW, Machine(stop=20))
    return folder(tmp_path, 'table2/2_re')


@pytest.mark.parametrize('pointer', ['', '\n', '/gone/epoch_'])
def test_a_pointer_that_a_kill_left_empty(stopped, tmp_path, pointer):
    (stopped / 'last_checkpoint').write_text(pointer)
    machine, failed, _ = run(tmp_path, ROW)
    assert machine.done == ['go on 2_re', 'test 2_re'] and machine.seconds == 4 * 60 and not failed
    assert checkpoints(stopped) == ['epoch_24.pth']


def test_a_training_that_was_told_to_stop(stopped, tmp_path):
    """Its state is in interrupted.pth, of which the name says no epoch."""
    write_checkpoint(stopped / 'interrupted.pth', 22)
    (stopped / 'last_checkpoint').write_text(str(stopped / 'interrupted.pth'))
    machine, failed, _ = run(tmp_path, ROW)
    assert machine.done == ['go on 2_re', 'test 2_re'] and machine.seconds == 2 * 60 and not failed


@pytest.mark.parametrize('epoch', [0, 24])
def test_told_to_stop_in_the_first_epoch_and_in_the_last_evaluation(tmp_path, epoch):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, ROW, Machine(stop=1))
    path = folder(tmp_path, 'table2/2_re')
    for file in path.glob('*.pth'):
        file.unlink()
    write_checkpoint(path / 'interrupted.pth', epoch)
    (path / 'last_checkpoint').write_text('interrupted.pth')
    assert run(tmp_path, ROW)[0].done[0] == 'go on 2_re'


@pytest.mark.parametrize('place', ['../../victim', '/victim', 'a/../b', 'table2', 5, None])
def test_a_record_that_leads_elsewhere(stopped, tmp_path, place):
    """The checkpoints of the training that it names are removed but for the last."""
    record = json.loads((stopped / 'ablation.json').read_text())
    (stopped / 'ablation.json').write_text(json.dumps(record | dict(trained_in=place)))
    with pytest.raises(ValueError, match='ablation.json.*remove'):
        run(tmp_path, ROW)
    (stopped / 'ablation.json').write_text('{"half')
    with pytest.raises(ValueError, match='ablation.json is corrupt'):
        run(tmp_path, ROW)
