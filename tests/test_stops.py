"""Checks of stops, with an exception for SIGKILL, and of an index that many processes use."""

import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip('faiss', reason='faiss is not installed')
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tools'))

import check_shared_index  # noqa: E402
import check_stops  # noqa: E402
from stops.file_events import file_events  # noqa: E402

from reid_fusedloss import whole_file  # noqa: E402
from reid_fusedloss.search import load_index, storage  # noqa: E402


class Killed(BaseException):
    """In place of SIGKILL: after it, nothing that changes a file works any more."""


def kill():
    raise Killed


def stop(scenario, folder, at):
    try:
        with file_events(folder, at, kill):
            scenario.run(folder)
    except Killed:
        return True
    return False


@pytest.fixture
def _signals():
    """A killed training leaves its handlers in this process."""
    yield
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)


TAKEN = {  # of the points; `tools/check_stops.py` takes all
    ('training', 'checkpoints'): lambda at, name: name in ('replace', 'remove'),
    ('training', 'told to stop'): lambda at, name: at % 17 == 0 or name == 'remove',
}


def some_writes(at, name):
    return 'write' not in name or at % 23 == 0


SCENARIOS = [(part, name) for part, parts in check_stops.PARTS.items() for name in parts]


@pytest.mark.slow
@pytest.mark.parametrize('part, name', SCENARIOS)
def test_the_end_is_that_of_a_run_without_a_stop(part, name, tmp_path, _signals):
    points, wrong = check_stops.check(
        check_stops.PARTS[part][name], tmp_path, stop, TAKEN.get((part, name), some_writes)
    )
    assert not wrong, wrong
    wanted = ['remove'] if part == 'training' else ['replace', 'fsync', 'open']
    assert all(points[kind] for kind in wanted)


@pytest.mark.slow
def test_what_is_left_over_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, '_sweep', lambda folder: None)
    monkeypatch.setattr(whole_file, 'remove_partials', lambda *args: None)
    _, wrong = check_stops.check(check_stops.PARTS['index']['threshold'], tmp_path / 'a', stop)
    assert any('.part' in line for line in wrong)
    _, wrong = check_stops.check(
        check_stops.PARTS['index']['first'],
        tmp_path / 'b',
        stop,
        lambda at, name: 'write' not in name or not at % 9,
    )
    assert any('.faiss' in line for line in wrong)


def test_a_process_that_is_killed(tmp_path):
    scenario = check_stops.PARTS['index']['threshold']
    for name in ('straight', 'killed'):
        (tmp_path / name).mkdir()
        scenario.prepare(tmp_path / name)
    scenario.run(tmp_path / 'straight')
    assert check_stops.killed_process(scenario, tmp_path / 'killed', at=6) == -9
    assert any((tmp_path / 'killed' / 'index').glob('.*.part'))
    assert not check_stops.unequal(
        scenario, tmp_path / 'killed', scenario.result(tmp_path / 'straight')
    )


@pytest.mark.slow
def test_an_index_that_all_use_at_once(tmp_path):
    """tools/check_shared_index.py for a moment; and it sees what is lost."""
    args = SimpleNamespace(seconds=5, entries=20, seed=0)
    count, wrong = check_shared_index.check(tmp_path, args)
    assert not wrong and count['searches'] and count['updates'] and count['removals']
    oracles = [
        check_shared_index.Oracle(
            SimpleNamespace(
                log=tmp_path / f'log_{number}',
                photos=tmp_path / f'photos_{number}',
                present={f'{row // 4:05}_c{row % 2}_{row}.png': 0 for row in range(20)},
            )
        )
        for number in range(3)
    ]
    for oracle in oracles:
        oracle.read_on()
    index = load_index(tmp_path / 'index')
    first = [oracle.done for oracle in oracles]
    assert not check_shared_index.wrong_states(index, oracles, first)
    index.remove([index.entries[5].name])
    assert check_shared_index.wrong_states(index, oracles, first)
