"""tools/check_stops.py in this process: an exception in place of SIGKILL, not at every write."""
import sys
from pathlib import Path

import pytest

pytest.importorskip('faiss', reason='faiss is not installed')
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tools'))

import check_stops  # noqa: E402
from stops.file_events import file_events  # noqa: E402

from reid_fusedloss import whole_file  # noqa: E402
from reid_fusedloss.search import storage  # noqa: E402


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


SCENARIOS = [(part, name) for part, parts in check_stops.PARTS.items() for name in parts]


@pytest.mark.parametrize('part, name', SCENARIOS)
def test_the_end_is_that_of_a_run_without_a_stop(part, name, tmp_path):
    points, wrong = check_stops.check(check_stops.PARTS[part][name], tmp_path, stop, writes=23)
    assert not wrong, wrong
    assert points['replace'] and points['fsync'] and points['open']


def test_what_is_left_over_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, '_sweep', lambda folder: None)
    monkeypatch.setattr(whole_file, 'remove_partials', lambda *args: None)
    _, wrong = check_stops.check(check_stops.PARTS['index']['threshold'], tmp_path / 'a', stop)
    assert any('.part' in line for line in wrong)
    _, wrong = check_stops.check(check_stops.PARTS['index']['first'], tmp_path / 'b', stop, 9)
    assert any('.faiss' in line for line in wrong)


def test_a_process_that_is_killed(tmp_path):
    scenario = check_stops.PARTS['index']['threshold']
    for name in ('straight', 'killed'):
        (tmp_path / name).mkdir()
        scenario.prepare(tmp_path / name)
    scenario.run(tmp_path / 'straight')
    assert check_stops.killed_process(scenario, tmp_path / 'killed', at=6) == -9
    assert any((tmp_path / 'killed' / 'index').glob('.*.part'))
    assert not check_stops.unequal(scenario, tmp_path / 'killed',
                                   scenario.result(tmp_path / 'straight'))
