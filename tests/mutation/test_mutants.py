"""The mutation run itself: which mutants it makes, that they take effect, and how it judges them."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from .mutants import Source

ROOT = Path(__file__).parents[2]
CODE = '''
from functools import cache


def area(width, height=2, *, scale=1):
    """Docstring: 3 < 4."""
    if width < 0:
        raise ValueError(f'width={width + 1}, not below 0')
    check_int('width', width)
    return width * height * scale


def check_int(name, value):
    pass


class Shape:
    kinds = ('square', 'round')

    @property
    def name(self) -> 'str':
        return 'square'


@cache
def sides():
    return [n for n in range(8) if not n % 2]
'''
EXPECTED = [
    'area: 2 -> 3',
    'area: 1 -> 2',
    'area: width < 0 -> width <= 0',
    'area: width < 0 -> width >= 0',
    'area: 0 -> 1',
    "area: raise ValueError(f'width={width + 1}, not below 0') -> removed",
    "area: check_int('width', width) -> removed",
    'area: width * height * scale -> width * height / scale',
    'area: width * height -> width / height',
    "Shape.name: 'square' -> 'XXsquare'",
    'sides: 8 -> 9',
    'sides: not n % 2 -> n % 2',
    'sides: n % 2 -> n * 2',
    'sides: 2 -> 3',
]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    (tmp_path / 'shapes.py').write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield Source(Path('shapes.py'))
    sys.modules.pop('shapes', None)


def outcomes(module) -> list:
    calls = [
        lambda: module.area(3),
        lambda: module.area(4, 5, scale=7),
        lambda: module.area(0),
        lambda: module.area(-1),
        lambda: module.Shape().name,
        lambda: module.sides(),
    ]
    found = []
    for call in calls:
        try:
            found.append(call())
        except ValueError:
            found.append('refused')
    return found


def test_mutants_are_changes_of_code_not_of_texts(source: Source) -> None:
    assert [mutant.key for mutant in source.mutants] == [f'shapes.py {key}' for key in EXPECTED]


@pytest.mark.parametrize('number', range(len(EXPECTED)))
def test_a_mutant_takes_effect_in_what_is_loaded(source: Source, number: int) -> None:
    module = import_module('shapes')
    before = outcomes(module)
    source.functions += [module.area, module.check_int, module.Shape.name.fget]
    source.functions.append(module.sides.__wrapped__)
    source.caches.append(module.sides)
    source.mutants[number].activate()
    removed_check = 'check_int' in EXPECTED[number]  # it does nothing
    assert (outcomes(module) == before) == removed_check


def test_a_run_tells_killed_from_survived(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip('coverage')
    monkeypatch.setenv('PYTHONPATH', f'{ROOT}:.')
    test = 'from shapes import area\n\n\ndef test_area():\n    assert area(3) == 6\n'
    Path('test_shapes.py').write_text(test)
    done = subprocess.run(
        [sys.executable, '-m', 'tests.mutation', 'shapes.py', '--tests', 'test_shapes.py'],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr  # too few are killed
    rows = map(json.loads, Path('build/mutation.jsonl').read_text().splitlines())
    found = {row['key'].removeprefix('shapes.py '): row['status'] for row in rows}
    assert list(found) == EXPECTED
    assert found['area: 2 -> 3'] == found['area: width < 0 -> width >= 0'] == 'killed'
    assert found['area: width < 0 -> width <= 0'] == 'survived'
    assert found['sides: 8 -> 9'] == 'no tests'
    killed = list(found.values()).count('killed')
    assert f'| shapes.py | 14 | {killed} | 0 | {14 - killed} |' in done.stdout
    assert f'{killed / 14:.1%} of the mutants' in done.stdout
