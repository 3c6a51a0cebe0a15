"""Which checkpoint a run goes on from: the one it names, of its own folder, and whole."""

import os
from fractions import Fraction

import pytest
import torch
from mmengine.runner import runner
from mmengine.runner.checkpoint import find_latest_checkpoint

from reid_fusedloss import logs
from reid_fusedloss.apis import find_run
from reid_fusedloss.engine.checkpoints import latest_checkpoint, read_pointer, write_pointer
from reid_fusedloss.experiments.record import epoch_of, last_checkpoint, remove_other_checkpoints


def checkpoint(iteration, epoch=1):
    return dict(
        meta=dict(iter=iteration, epoch=epoch),
        optimizer={},
        state_dict=dict(weight=torch.full((1000,), float(iteration))),
    )


def save(folder, *iterations, name='epoch_{}.pth'):
    folder.mkdir(exist_ok=True)
    for iteration in iterations:
        torch.save(checkpoint(iteration, iteration), folder / name.format(iteration))


@pytest.fixture
def lines(monkeypatch):
    """What is said while checkpoints are looked for."""
    said = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: said.append(line))
    return said


def test_without_a_name_the_latest_is_that_of_the_most_iterations(tmp_path, lines):
    assert latest_checkpoint(tmp_path) is None and latest_checkpoint(tmp_path / 'nowhere') is None
    save(tmp_path, 9, 10)
    torch.save(dict(meta=dict(iter=100, epoch=10)), tmp_path / 'best_reid_mAP_epoch_10.pth')
    torch.save(dict(weight=torch.ones(1)), tmp_path / 'weights.pth')
    torch.save(dict(checkpoint(1), meta=dict(iter='many', epoch=[])), tmp_path / 'odd.pth')
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'epoch_10.pth')
    torch.save(checkpoint(3), tmp_path / 'interrupted.pth')  # nothing is named: it is the run's
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'interrupted.pth')
    assert not lines


def test_the_file_that_is_named_counts(tmp_path, lines):
    """An older run, or a branch that was left, may have files of more iterations."""
    save(tmp_path, 2, 4, 9)
    torch.save(checkpoint(7), tmp_path / 'interrupted.pth')
    write_pointer(tmp_path, tmp_path / 'epoch_4.pth')
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'epoch_4.pth') and not lines
    (tmp_path / 'epoch_4.pth').write_bytes(b'damaged')
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'epoch_2.pth') and len(lines) == 1
    write_pointer(tmp_path, tmp_path / 'interrupted.pth')
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'interrupted.pth')


def test_a_folder_for_checkpoints_alone(tmp_path, lines):
    """`CheckpointHook(out_dir=...)` puts them into a folder of the work_dir's name there."""
    run, other = tmp_path / 'run', tmp_path / 'disk' / 'run'
    other.parent.mkdir()
    save(run, 9)
    save(other, 2, 4)
    write_pointer(run, other / 'epoch_4.pth')
    assert latest_checkpoint(run) == str(other / 'epoch_4.pth')
    (other / 'epoch_4.pth').write_bytes(b'damaged')
    assert latest_checkpoint(run) == str(other / 'epoch_2.pth') and len(lines) == 1


def test_the_folder_of_another_run_does_not_count(tmp_path):
    """A copied work_dir names the files of its original, as a forged pointer may."""
    first, copy = tmp_path / 'first', tmp_path / 'copy'
    save(first, 2, 4)
    write_pointer(first, first / 'epoch_4.pth')
    save(copy, 2, 4)
    write_pointer(copy, first / 'epoch_4.pth')
    assert latest_checkpoint(copy) == str(copy / 'epoch_4.pth')
    (copy / 'epoch_4.pth').unlink()
    assert latest_checkpoint(copy) == str(copy / 'epoch_2.pth')
    twin = tmp_path / 'elsewhere' / 'first'  # of the same name, and a run of its own
    twin.parent.mkdir()
    save(twin, 1)
    write_pointer(twin, first / 'epoch_4.pth')
    assert latest_checkpoint(twin) == str(twin / 'epoch_1.pth')


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'\n',
        b'.',
        b'..',
        b'/',
        b'../epoch_99.pth',
        b'epoch_',
        b'\xff\xfe\x00.pth',
        b'a\nb.pth',
        b'x' * 5000 + b'.pth',
        b'nul\0.pth',
        b'/etc/passwd',
    ],
    ids=repr,
)
def test_an_unreadable_pointer_is_none(tmp_path, lines, content):
    """And the folder above, with the checkpoints of others, is never searched."""
    save(tmp_path, 99)
    run = tmp_path / 'run'
    save(run, 2, 4)
    (run / 'last_checkpoint').write_bytes(content)
    assert latest_checkpoint(run) == str(run / 'epoch_4.pth') and not lines
    for path in run.glob('*.pth'):
        path.unlink()
    assert latest_checkpoint(run) is None


def test_a_moved_folder(tmp_path, lines):
    save(tmp_path, 4)
    torch.save(checkpoint(2), tmp_path / 'interrupted.pth')
    for text in ('work_dirs/before/epoch_4.pth', '', 'work_dirs/before/epo'):
        (tmp_path / 'last_checkpoint').write_text(text)
        assert latest_checkpoint(tmp_path) == str(tmp_path / 'epoch_4.pth') and not lines


def test_remote_checkpoints_are_left_to_mmengine(tmp_path):
    run = tmp_path / 'run'
    run.mkdir()
    for address, found in (('s3://b/run/epoch_3.pth', True), ('s3://b/x/epoch_3.pth', False)):
        write_pointer(run, address)
        assert latest_checkpoint(run) == (address if found else None)
    (run / 'epoch_5.pth').mkdir()  # as DeepSpeed writes them
    write_pointer(run, run / 'epoch_5.pth')
    assert latest_checkpoint(run) == str(run / 'epoch_5.pth')


def test_damaged_checkpoints_alone_are_an_error(tmp_path, lines):
    (tmp_path / 'epoch_1.pth').write_bytes(b'damaged')
    with pytest.raises(ValueError, match='none can be read: .*epoch_1.pth.*Move them elsewhere'):
        latest_checkpoint(tmp_path)


def cut(left):
    return lambda whole: whole[: int(left * len(whole))]


@pytest.mark.parametrize(
    'damage',
    [
        cut(0.0),
        cut(0.01),
        cut(0.5),
        cut(0.99),
        lambda whole: bytes(200_000),
        lambda whole: bytes(2000) + whole[2000:],
        lambda whole: whole.replace(b'\0\0\0@', b'\0\0\1@', 1),
    ],
    ids=['empty', '1 %', '50 %', '99 %', 'zeros', 'zeros at the start', 'a flipped bit'],
)
@pytest.mark.parametrize('named', [True, False])
def test_a_damaged_checkpoint_is_passed_over_with_one_line(tmp_path, lines, damage, named):
    save(tmp_path, 1, 2)
    whole = (tmp_path / 'epoch_2.pth').read_bytes()
    (tmp_path / 'epoch_2.pth').write_bytes(damage(whole))
    assert (tmp_path / 'epoch_2.pth').read_bytes() != whole
    if named:
        write_pointer(tmp_path, tmp_path / 'epoch_2.pth')
    assert latest_checkpoint(tmp_path) == str(tmp_path / 'epoch_1.pth')
    assert len(lines) == 1 and 'epoch_2.pth' in lines[0] and 'an earlier one' in lines[0]


def test_a_checkpoint_that_would_run_code_is_passed_over(tmp_path, lines):
    save(tmp_path, 1)
    torch.save(dict(checkpoint(2), extra=Fraction(1, 2)), tmp_path / 'epoch_2.pth')
    assert latest_checkpoint(tmp_path).endswith('epoch_1.pth') and 'epoch_2.pth' in lines[0]


def test_one_function_for_every_tool(tmp_path):
    """MMEngine's own too, which a bare Runner calls for resume=True."""
    save(tmp_path, 1, 2)
    torch.save(checkpoint(25, 20), tmp_path / 'interrupted.pth')
    (tmp_path / 'config.py').write_text('')
    for name in ('epoch_2.pth', 'interrupted.pth'):
        write_pointer(tmp_path, os.path.join('/moved', name))
        expected = str(tmp_path / name)
        assert latest_checkpoint(str(tmp_path)) == expected == str(last_checkpoint(tmp_path))
        assert find_run(tmp_path)[1] == expected == find_latest_checkpoint(str(tmp_path))
        assert runner.find_latest_checkpoint(str(tmp_path)) == expected
    assert epoch_of(last_checkpoint(tmp_path)) == 20
    assert find_latest_checkpoint(str(tmp_path / 'nowhere')) is None


def test_nothing_is_removed_where_no_checkpoint_is_known(tmp_path):
    torch.save(dict(weight=torch.ones(1)), tmp_path / 'weights.pth')
    remove_other_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.glob('*')] == ['weights.pth']
    save(tmp_path, 23, 24)
    (tmp_path / 'last_checkpoint').write_text('')  # as a kill in MMEngine's hook leaves it
    remove_other_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.glob('*.pth')] == ['epoch_24.pth']


def test_a_pointer_is_written_whole(tmp_path, monkeypatch):
    save(tmp_path, 1, 2)
    write_pointer(tmp_path, tmp_path / 'epoch_1.pth')

    def killed(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, 'fsync', killed)
    with pytest.raises(KeyboardInterrupt):
        write_pointer(tmp_path, tmp_path / 'epoch_2.pth')
    assert read_pointer(tmp_path) == str(tmp_path / 'epoch_1.pth')
