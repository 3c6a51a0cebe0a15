"""The explainer on files, and the picture of what it finds."""

import sys

import cv2
import numpy as np
import pytest
from PIL import Image
from torch import nn

from reid_fusedloss.explain import Explainer
from reid_fusedloss.visualization.attention import (
    AttentionMaps,
    draw_attention,
    overlay,
    save_attention,
)
from tests.explain.models import CELL, HEIGHT, WIDTH, Brightness, classifier, inferencer
from tests.visualization.pictures import read

ROW, COLUMN = 4, 2  # the hot cell


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A black image, 4 times as large as the network takes, with a red block; noise; no image."""
    folder = tmp_path_factory.mktemp('explain')
    image = np.zeros((4 * HEIGHT, 4 * WIDTH, 3), np.uint8)
    side = 4 * CELL
    image[ROW * side : (ROW + 1) * side, COLUMN * side : (COLUMN + 1) * side] = 250, 40, 20
    Image.fromarray(image).save(folder / 'block.png')
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / 'noise.png')
    (folder / 'text.jpg').write_text('no image')
    return folder


def in_cell(y, x):
    return (y // CELL, x // CELL) == (ROW, COLUMN)


def test_a_hot_cell_lights_up_its_place(folder):
    model = classifier()
    model.backbone = Brightness()
    model.data_preprocessor._enable_normalize = False
    (found,) = Explainer(inferencer(model))(folder / 'block.png')
    expected = cv2.resize(cv2.imread(str(folder / 'block.png')), (WIDTH, HEIGHT))[..., ::-1]
    np.testing.assert_array_equal(found.image, expected)
    assert in_cell(*np.unravel_index(found.maps['energy'].argmax(), (HEIGHT, WIDTH)))
    drawn = overlay(found.image, found.maps['energy']).astype(int)
    redness = drawn[..., 0] - drawn[..., 2]
    assert in_cell(*np.unravel_index(redness.argmax(), redness.shape))
    assert (redness[: ROW * CELL - CELL // 2] < 0).all() and (redness[:, :CELL] < 0).all()


def test_seen_is_what_the_network_saw(folder):
    """Through normalisation and change of channels, and back."""
    (found,) = Explainer(inferencer(classifier()))(folder / 'noise.png')
    np.testing.assert_array_equal(found.image, np.asarray(Image.open(folder / 'noise.png')))


def test_images_that_cannot_be_read_are_left_out(folder):
    explainer = Explainer(inferencer(classifier()))
    found = explainer(folder)
    assert [item.name.rpartition('/')[2] for item in found] == ['block.png', 'noise.png']
    assert list(explainer.unreadable) == [str(folder / 'text.jpg')]


def test_methods_together(folder):
    pytest.importorskip('pytorch_grad_cam')
    explainer = Explainer(inferencer(classifier()))
    block, noise = explainer(
        folder, ['similarity', 'energy', 'identity'], against=folder / 'noise.png'
    )
    assert list(block.maps) == ['similarity', 'energy', 'identity']
    assert noise.note.startswith('similarity 1.000, training identity ')
    (chosen,) = explainer(folder / 'block.png', ['identity'], identity=3)
    assert chosen.note == 'training identity 3'
    assert chosen.maps['identity'].shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    'arguments, words',
    [
        (dict(methods=['heat']), 'heat'),
        (dict(methods='energy'), 'energy'),
        (dict(methods=[]), 'must be a list'),
        (dict(methods=['similarity']), 'against'),
        (dict(methods=['similarity'], against='text.jpg'), 'cannot be decoded'),
        (dict(methods=['similarity'], against='.'), 'one image'),
        (dict(methods=['identity'], identity=5), 'identity=5'),
    ],
)
def test_mistakes(folder, monkeypatch, arguments, words):
    monkeypatch.chdir(folder)
    with pytest.raises(ValueError, match=words):
        Explainer(inferencer(classifier()))('block.png', **arguments)


def test_a_backbone_without_a_map(folder):
    model = classifier()
    model.backbone = nn.Sequential(nn.Flatten(), nn.Linear(3 * HEIGHT * WIDTH, 8))
    with pytest.raises(ValueError, match='Sequential gives no feature map'):
        Explainer(inferencer(model))(folder / 'block.png')


def test_grad_cam_says_what_it_needs(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pytorch_grad_cam', None)
    explainer = Explainer(inferencer(classifier()))
    assert len(explainer(folder / 'block.png')) == 1
    for method in ('similarity', 'identity'):
        with pytest.raises(ImportError, match=r"pip install 'reid_fusedloss\[cam\]'"):
            explainer(folder / 'block.png', [method], against=folder / 'noise.png')


def test_sheet(tmp_path):
    rng = np.random.default_rng(0)
    items = [
        AttentionMaps(
            f'{"folder/" * 9}{"a" * 60}_{i}.jpg',
            rng.integers(0, 256, (48, 24, 3), dtype=np.uint8),
            dict(energy=rng.random((48, 24)), identity=np.zeros((48, 24))),
            '$x_',
        )
        for i in range(5)
    ]
    picture = read(save_attention(items, tmp_path / 'sheet.png', title='a title', width=1000))
    assert 900 <= picture.shape[1] <= 1000
    x, y = 16, 84  # the first image: 128 x 256, then its overlays
    tile = cv2.resize(items[0].image, (128, 256), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(picture[y : y + 256, x : x + 128], tile, atol=2)
    assert (picture[y : y + 256, x + 128 : x + 132] == 255).all()
    flat = picture[y : y + 256, x + 264 : x + 264 + 128].astype(int)
    assert (flat[..., 2] > flat[..., 0]).mean() > 0.9  # nothing stands out: blue
    bar = picture[y : y + 256, -65].astype(int)  # from red, at its top, to blue
    assert bar[3, 0] > bar[3, 2] + 50 and bar[-3, 2] > bar[-3, 0] + 50
    with pytest.raises(ValueError, match='no image'):
        draw_attention([])
