"""The inferencer against the Runner's own test loop, image by image, and what goes wrong."""

import threading

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from reid_fusedloss.apis import ImageSource, ReIDInferencer
from reid_fusedloss.apis.images import read_ahead
from reid_fusedloss.evaluation import load_features


def noise(number, size=(60, 40)):
    return np.random.default_rng(number).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    """Seven PNG files of noise."""
    folder = tmp_path_factory.mktemp('pictures')
    for number in range(7):
        cv2.imwrite(str(folder / f'{number}.png'), noise(number))
    return folder


def test_features_are_those_of_a_test(trained, inferencer):
    extraction = inferencer([trained / 'data' / 'query', trained / 'data' / 'bounding_box_test'])
    expected = load_features(trained / 'f.npz')
    wanted = np.concatenate([expected.query, expected.gallery])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert extraction.features.dtype == np.float32 and not extraction.unreadable
    kept = [i for i, name in enumerate(extraction.names) if '/-1_' not in name]
    np.testing.assert_allclose(extraction.features[kept], wanted, atol=1e-5)
    assert inferencer.feat_dims == wanted.shape[1] and inferencer.image_size == (48, 24)


def test_all_kinds_of_one_image_are_alike(pictures, inferencer):
    path, bgr = pictures / '4.png', noise(4)
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    opaque = np.dstack([bgr, np.full(bgr.shape[:2], 7, np.uint8)])
    kinds = [
        path,
        str(path),
        bgr,
        Image.fromarray(rgb),
        opaque,
        ImageSource('crop', bgr),
        Image.open(path),
    ]
    extraction = inferencer(kinds)
    assert extraction.names == [
        str(path),
        str(path),
        'image 2',
        'image 3',
        'image 4',
        'crop',
        'image 6',
    ]
    single = inferencer(str(path)).features
    np.testing.assert_allclose(extraction.features, np.repeat(single, 7, 0), atol=1e-6)
    np.testing.assert_allclose(inferencer(rgb, channel_order='rgb').features, single, atol=1e-6)
    assert np.abs(inferencer(rgb).features - single).max() > 1e-3


def test_order_and_batches(pictures, trained, inferencer):
    paths = [str(pictures / f'{number}.png') for number in (5, 0, 6, 0, 3)]
    alone = np.concatenate([inferencer(path).features for path in paths])
    together = ReIDInferencer(
        trained / 'work', device='cpu', batch_size=16, num_workers=2, progress=False
    )(paths)
    np.testing.assert_allclose(together.features, alone, atol=1e-5)
    assert together.names == paths and together.indices == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-6)


def test_unreadable_images_are_reported_where_they_are(pictures, inferencer, tmp_path):
    (tmp_path / 'empty.jpg').touch()
    (tmp_path / 'text.jpg').write_text('no image')
    torn = tmp_path / 'torn.jpg'
    torn.write_bytes(cv2.imencode('.jpg', noise(1))[1].tobytes()[:-40])
    with Image.open(torn) as late:
        inputs = [
            pictures / '0.png',
            tmp_path / 'gone.jpg',
            pictures / '1.png',
            tmp_path / 'empty.jpg',
            tmp_path / 'text.jpg',
            torn,  # a whole batch of these
            late,
            pictures / '2.png',
        ]
        extraction = inferencer(inputs)
    assert extraction.indices == [0, 2, 7]
    assert {name.split('/')[-1] for name in extraction.unreadable} == {
        'gone.jpg',
        'empty.jpg',
        'text.jpg',
        'torn.jpg',
        'image 6',
    }
    assert 'the file is empty' in extraction.unreadable[str(tmp_path / 'empty.jpg')]
    expected = inferencer([pictures / f'{number}.png' for number in range(3)]).features
    np.testing.assert_allclose(extraction.features, expected, atol=1e-6)
    nothing = inferencer([tmp_path / 'gone.jpg'])
    assert nothing.features.shape == inferencer([]).features.shape == (0, inferencer.feat_dims)


def test_an_empty_crop_does_not_stop_the_others(inferencer):
    crops = [noise(0), noise(1)[60:], noise(2)[:, 40:], noise(3)]
    for inputs in (crops, iter(crops)):
        found = inferencer(inputs)
        assert found.indices == [0, 3] and list(found.unreadable) == ['image 1', 'image 2']
        expected = np.concatenate([inferencer(noise(number)).features for number in (0, 3)])
        np.testing.assert_allclose(found.features, expected, atol=1e-6)


def test_a_bad_array_stops_before_any_work(inferencer, monkeypatch):
    monkeypatch.setattr(ReIDInferencer, 'embed', None)
    with pytest.raises(TypeError, match='image 300 must be an array of uint8'):
        inferencer([noise(0)] * 300 + [noise(0).astype(np.float32)])


def test_a_missing_path_is_said(inferencer, tmp_path):
    found = inferencer([tmp_path / 'gone.jpg'])
    assert found.unreadable == {f'{tmp_path}/gone.jpg': f'no such file: {tmp_path}/gone.jpg'}


def test_a_generator_is_read_as_far_as_needed(inferencer, trained):
    taken = []

    def frames():
        for number in range(100):
            taken.append(number)
            yield noise(number)

    parts = inferencer.extract(frames())
    assert not taken
    next(parts)
    assert taken == [0, 1, 2]
    next(parts)
    assert len(taken) == 6
    taken.clear()
    workers = ReIDInferencer(
        trained / 'work', device='cpu', batch_size=2, num_workers=1, progress=False
    ).extract(frames())
    first = next(workers)
    assert first.names == ['image 0', 'image 1'] and len(taken) <= 2 * (2 + 1)
    workers.close()


def test_keys_of_an_inferencer(pictures, trained, inferencer):
    paths = [pictures / f'{number}.png' for number in range(3)]
    keys = dict(device='cpu', progress=False)
    raw = ReIDInferencer(trained / 'work', normalize=False, **keys)(paths).features
    length = np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.abs(length - 1).max() > 0.01
    np.testing.assert_allclose(raw / length, inferencer(paths).features, atol=1e-5)
    mirrored = ReIDInferencer(trained / 'work', normalize=False, **keys)(
        [noise(number)[:, ::-1] for number in range(3)]
    ).features
    flipped = ReIDInferencer(trained / 'work', normalize=False, flip=True, **keys)(paths).features
    np.testing.assert_allclose(flipped, (raw + mirrored) / 2, atol=1e-4)
    half = ReIDInferencer(trained / 'work', amp=True, **keys)(paths).features
    assert half.dtype == np.float32
    assert 0 < np.abs(half - inferencer(paths).features).max() < 0.05


@pytest.mark.parametrize('load', ['LoadImageFromFile', 'mmpretrain.LoadImageFromFile'])
def test_another_loading_step(load, pictures, trained, inferencer, tmp_path):
    options = {'test_dataloader.dataset.pipeline.load': dict(type=load, _delete_=True)}
    other = ReIDInferencer(trained / 'work', device='cpu', progress=False, options=options)
    (tmp_path / 'text.jpg').write_text('no image')
    extraction = other([pictures / '1.png', noise(1), tmp_path / 'text.jpg', tmp_path / 'gone.jpg'])
    expected = np.repeat(inferencer(pictures / '1.png').features, 2, 0)
    np.testing.assert_allclose(extraction.features, expected, atol=1e-5)
    assert len(extraction.unreadable) == 2


def test_the_bar_goes_to_stderr(pictures, trained, capfd):
    inferencer = ReIDInferencer(trained / 'work', device='cpu', batch_size=2)
    capfd.readouterr()
    inferencer(pictures)
    inferencer(path for path in [pictures / '0.png', pictures / '1.png'])
    out, err = capfd.readouterr()
    assert not out and '7/7' in err and 'ETA' in err and 'completed: 2' in err


def test_weights_that_are_no_numbers(trained):
    inferencer = ReIDInferencer(trained / 'work', device='cpu', progress=False)
    with torch.no_grad():
        inferencer.model.head.bn.weight.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match='1 images are not finite, such as image 0'):
        inferencer(noise(0))


@pytest.mark.parametrize(
    'keys, error',
    [
        (dict(batch_size=0), 'batch_size=0'),
        (dict(num_workers=-1), 'num_workers=-1'),
        (dict(flip='no'), "flip='no'"),
        (dict(amp=1), 'amp=1'),
        (dict(normalize=None), 'normalize'),
        (dict(device='gpu'), "device='gpu' cannot be used"),
        (dict(options={'modell': 1}), "no key 'modell'"),
    ],
)
def test_wrong_keys(keys, error, trained):
    with pytest.raises((TypeError, ValueError), match=error):
        ReIDInferencer(trained / 'work', **{'device': 'cpu', 'progress': False, **keys})


class CountingReader:
    """A reader of numbers that waits at the sixth image."""

    def __init__(self):
        self.read, self.reached, self.go_on = [], threading.Event(), threading.Event()

    def __getitem__(self, numbered):
        self.read.append(numbered[0])
        if numbered[0] == 5:
            self.reached.set()
            assert self.go_on.wait(10)
        return numbered


def test_the_next_batch_is_read_meanwhile():
    """And who stops early waits for the image that is being read, not for its batch."""
    reader = CountingReader()
    batches = read_ahead([ImageSource(str(n)) for n in range(12)], reader, 4)
    assert [index for index, _ in next(batches)] == [0, 1, 2, 3]
    assert reader.reached.wait(10)
    timer = threading.Timer(0.05, reader.go_on.set)
    timer.start()
    batches.close()
    timer.join()
    assert reader.read == [0, 1, 2, 3, 4, 5]
    reader.go_on.set()
    parts = list(read_ahead([ImageSource(str(n)) for n in range(10)], reader, 4))
    assert [[index for index, _ in part] for part in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
