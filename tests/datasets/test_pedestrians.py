"""Synthetic pedestrians: determinism, layout, restart, errors, and how much colour tells."""

import json
import os
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid_fusedloss.datasets import pedestrians
from reid_fusedloss.datasets.pedestrians import (
    draw_junk,
    draw_pedestrian,
    write_market1501_layout,
    writer,
)

SMALL = dict(
    num_train_ids=2,
    num_test_ids=3,
    num_distractors=5,
    num_junk=2,
    num_cameras=3,
    images_per_camera=2,
    size=(32, 16),
    seed=4,
)


def list_files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob('*')
        if path.is_file()
    }


@pytest.mark.parametrize('size', [(128, 64), (64, 64), (40, 16)])
def test_shape_and_content(size: tuple[int, int]) -> None:
    for image in (draw_pedestrian(3, 1, 0, size=size), draw_junk(1, 0, size=size)):
        assert (image.shape, image.dtype) == ((*size, 3), np.uint8)
        assert image.std() > 8


def test_any_order_gives_the_same_images() -> None:
    keys = [(pid, camid, index) for pid in (1, 70) for camid in (1, 2) for index in (0, 1)]
    forward = {key: draw_pedestrian(*key) for key in keys}
    for key in reversed(keys):
        np.testing.assert_array_equal(draw_pedestrian(*key), forward[key])


@pytest.mark.slow
def test_another_process_gives_the_same_image_without_torch() -> None:
    code = (
        'import sys, zlib; from pedestrians import draw_pedestrian;'
        'image = draw_pedestrian(5, 2, 1, seed=3);'
        "print(zlib.crc32(image.tobytes()), 'torch' in sys.modules)"
    )
    folder = Path(pedestrians.__file__).parents[1]
    printed = subprocess.run(
        [sys.executable, '-c', code],
        check=True,
        text=True,
        cwd=folder,
        capture_output=True,
        env={**os.environ, 'PYTHONHASHSEED': '7'},
    )
    expected = zlib.crc32(draw_pedestrian(5, 2, 1, seed=3).tobytes())
    assert printed.stdout.split() == [str(expected), 'False']


def test_each_argument_matters() -> None:
    keys = [(1, 1, 0, 0), (2, 1, 0, 0), (1, 2, 0, 0), (1, 1, 1, 0), (1, 1, 0, 1)]
    images = [draw_pedestrian(pid, camid, index, seed=seed) for pid, camid, index, seed in keys]
    for k, image in enumerate(images[1:], 1):
        difference = np.abs(image.astype(int) - images[0]).mean()
        assert difference > 5, f'{keys[k]} looks like {keys[0]}'


@pytest.mark.parametrize(
    'arguments, named',
    [
        (dict(pid=-1), 'pid=-1'),
        (dict(camid=-2), 'camid=-2'),
        (dict(index=-1), 'index=-1'),
        (dict(seed=-3), 'seed=-3'),
        (dict(size=(16, 64)), r'size=\(16, 64\)'),
        (dict(size=(9999, 64)), 'size'),
        (dict(size=(128,)), 'size'),
    ],
)
def test_draw_refuses(arguments: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        draw_pedestrian(**{**dict(pid=1, camid=1, index=0), **arguments})


def test_junk_refuses_negative_numbers() -> None:
    with pytest.raises(ValueError, match='camid=-1'):
        draw_junk(-1, 0)


def test_layout_and_counts(tmp_path: Path) -> None:
    root = tmp_path / 'new' / 'set'
    write_market1501_layout(root, **SMALL)
    counts: dict[str, Counter] = {}
    names = {}
    for folder in ('bounding_box_train', 'query', 'bounding_box_test'):
        names[folder] = [path.name for path in (root / folder).iterdir()]
        counts[folder] = Counter(
            (int(name.split('_')[0]), int(name.split('_c')[1][0])) for name in names[folder]
        )
    assert counts['bounding_box_train'] == {(p, c): 2 for p in (1, 2) for c in (1, 2, 3)}
    assert counts['query'] == {(p, c): 1 for p in (3, 4, 5) for c in (1, 2, 3)}
    others = {(0, 1): 2, (0, 2): 2, (0, 3): 1, (-1, 1): 1, (-1, 2): 1}
    assert counts['bounding_box_test'] == {**counts['query'], **others}
    assert '0001_c1s1_000001_00.jpg' in names['bounding_box_train']
    assert sum(name.startswith('0000_') for name in names['bounding_box_test']) == 5
    assert sum(name.startswith('-1_') for name in names['bounding_box_test']) == 2
    stored = json.loads((root / 'synthetic.json').read_text())
    assert {key: stored[key] for key in SMALL} == {**SMALL, 'size': [32, 16]}
    assert [path.name for path in root.parent.iterdir()] == ['set']


def test_files_hold_the_drawn_people(tmp_path: Path) -> None:
    write_market1501_layout(tmp_path / 'set', **SMALL)
    (file,) = (tmp_path / 'set' / 'query').glob('0004_c2s1_*.jpg')
    drawn = draw_pedestrian(4, 2, 0, seed=4, size=(32, 16)).astype(int)
    assert np.abs(cv2.imread(str(file)) - drawn).mean() < 4


def test_second_call_is_a_no_op_and_other_folders_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_market1501_layout(tmp_path / 'a', **SMALL)
    write_market1501_layout(tmp_path / 'b', **SMALL)
    assert list_files(tmp_path / 'a') == list_files(tmp_path / 'b')
    monkeypatch.setattr(writer, 'draw_pedestrian', None)
    write_market1501_layout(tmp_path / 'a', **SMALL)
    assert list_files(tmp_path / 'a') == list_files(tmp_path / 'b')


def test_other_parameters_are_refused(tmp_path: Path) -> None:
    write_market1501_layout(tmp_path, **SMALL)
    with pytest.raises(ValueError, match="'seed': 4.*'seed': 5.*remove the folder"):
        write_market1501_layout(tmp_path, **{**SMALL, 'seed': 5})


def test_foreign_and_broken_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / 'thesis.tex').write_text('do not lose me')
    with pytest.raises(ValueError, match='was not written by'):
        write_market1501_layout(tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ['thesis.tex']
    (tmp_path / 'synthetic.json').write_text('{')
    with pytest.raises(ValueError, match='not valid JSON'):
        write_market1501_layout(tmp_path, **SMALL)


def test_interrupted_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_over = tmp_path / '.set-dead.tmp' / 'query'
    left_over.mkdir(parents=True)

    def fail(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer, 'draw_junk', fail)
        with pytest.raises(KeyboardInterrupt):
            write_market1501_layout(tmp_path / 'set', **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ['.set-dead.tmp']
    write_market1501_layout(tmp_path / 'set', **SMALL)
    assert len(list_files(tmp_path / 'set')) == 12 + 18 + 7 + 1


@pytest.mark.parametrize('theirs', [SMALL, {**SMALL, 'seed': 9}])
def test_another_process_gets_there_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: dict
) -> None:
    root, draw = tmp_path / 'set', writer.draw_pedestrian

    def draw_late(*args: int, **kwargs: object) -> np.ndarray:
        monkeypatch.setattr(writer, 'draw_pedestrian', draw)
        write_market1501_layout(root, **theirs)
        (root / 'query' / 'theirs').touch()
        return draw(*args, **kwargs)

    monkeypatch.setattr(writer, 'draw_pedestrian', draw_late)
    if theirs is SMALL:
        write_market1501_layout(root, **SMALL)
    else:
        with pytest.raises(ValueError, match='was written with'):
            write_market1501_layout(root, **SMALL)
    assert (root / 'query' / 'theirs').exists()
    assert [path.name for path in tmp_path.iterdir()] == ['set']


@pytest.mark.parametrize(
    'name, value',
    [
        ('num_cameras', 1),
        ('num_train_ids', 0),
        ('num_test_ids', -1),
        ('num_distractors', -1),
        ('num_junk', -1),
        ('images_per_camera', 1),
        ('seed', -1),
        ('size', (20, 10)),
    ],
)
def test_write_refuses(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        write_market1501_layout(tmp_path / 'set', **{**SMALL, name: value})
    assert not list(tmp_path.iterdir())


def test_colour_tells_something_but_not_enough() -> None:
    """Between two cameras, colours agree more within a person, yet rank people badly."""
    num_ids = 40

    def histogram(pid: int, camid: int) -> np.ndarray:
        hsv = cv2.cvtColor(draw_pedestrian(pid, camid, 0), cv2.COLOR_BGR2HSV)
        bands = [
            cv2.calcHist([band], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256])
            for band in np.array_split(hsv[:, 12:-12], 3)
        ]
        return np.concatenate([band.ravel() / band.sum() / 3 for band in bands])

    one, two = (np.stack([histogram(pid, camid) for pid in range(num_ids)]) for camid in (1, 2))
    shared = np.minimum(one[:, None], two).sum(-1)
    same = np.eye(num_ids, dtype=bool)
    assert shared[same].mean() > 1.2 * shared[~same].mean()
    ranks = (shared > shared[same][:, None]).sum(1)
    assert np.mean(ranks == 0) < 0.4
    assert np.mean(ranks) < 0.3 * num_ids
