"""Exported files against PyTorch, on images and number by number."""

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.export import OnnxModel, export_onnx, read_card
from reid_fusedloss.functional.ranking.evaluate import evaluate_ranking, ranking_lists
from reid_fusedloss.search import GalleryIndex

FORMS = [
    dict(),
    dict(normalise='outside'),
    dict(normalise='outside', channel_order='bgr'),
    dict(input_type='uint8', channel_order='bgr'),
    dict(l2=False),
]
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def images(number=4):
    """Noise of several sizes, BGR."""
    rng = np.random.default_rng(0)
    return [
        rng.integers(0, 256, (40 + 9 * i, 20 + 7 * i, 3), dtype=np.uint8) for i in range(number)
    ]


def by_hand(model, image):
    """An embedding without any part of the exported file's way: BGR image -> (C,)."""
    resized = cv2.resize(image, (24, 48), interpolation=cv2.INTER_LINEAR)
    rgb = (resized[..., ::-1].astype(np.float32) - np.float32(MEAN)) / np.float32(STD)
    with torch.no_grad():
        feature = model(torch.from_numpy(rgb.transpose(2, 0, 1)[None].copy()), mode='tensor')[0]
    return (feature / feature.norm()).numpy()


@pytest.mark.parametrize('options', FORMS, ids=str)
def test_every_form_gives_the_same_features(options, exported, inferencer):
    """Pixels are normalised once, whoever does it: the reader follows the file."""
    path, done = exported(**options)
    expected = np.stack([by_hand(inferencer.model, image) for image in images()])
    for batch_size in (1, 3, 64):
        found = OnnxModel(path, batch_size=batch_size, progress=False)(images())
        np.testing.assert_allclose(found.features, expected, atol=1e-5)
    assert done.num_images == 10 and done.difference < 1e-5


def test_normalising_twice_would_be_seen(exported):
    """What a consumer gets who does not read `normalise`: other features, no error."""
    inside, outside = (exported(**options)[0] for options in FORMS[:2])
    prepared = read_card(outside).prepare(_inputs(images(1)))
    right, twice = (
        onnxruntime.InferenceSession(path).run(None, {'images': prepared})[0][0]
        for path in (outside, inside)
    )
    assert np.abs(right - twice).max() > 0.01


def _inputs(pictures):
    return np.stack([cv2.resize(picture, (24, 48)).transpose(2, 0, 1) for picture in pictures])


def test_the_graph_by_name_and_shape(exported, inferencer):
    session = onnxruntime.InferenceSession(exported(l2=False)[0])
    (given,) = session.get_inputs()
    (got,) = session.get_outputs()
    assert (given.name, given.shape, given.type) == (
        'images',
        ['batch', 3, 48, 24],
        'tensor(float)',
    )
    assert (got.name, got.shape) == ('features', ['batch', 64])
    pixels = torch.rand(5, 3, 48, 24) * 255
    with torch.no_grad():
        normalised = (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        expected = inferencer.model(normalised, mode='tensor').numpy()
    np.testing.assert_allclose(
        session.run(None, {'images': pixels.numpy()})[0], expected, rtol=1e-4, atol=1e-4
    )


def test_what_the_file_says(exported):
    """The entries are read without this package, and come back as they were written."""
    path, done = exported(normalise='outside', channel_order='bgr')
    props = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert props['mean'] == '[103.53, 116.28, 123.675]'
    assert props['std'] == '[57.375, 57.12, 58.395]'
    assert (props['normalise'], props['channel_order'], props['l2']) == ('outside', 'bgr', 'true')
    assert (props['image_size'], props['interpolation']) == ('[48, 24]', 'bilinear')
    assert (props['feature_dims'], props['distance']) == ('64', 'cosine')
    assert props['config'].endswith('.py') and '/' not in props['config']
    assert read_card(path) == done.card


def search(query, gallery, k=10):
    """The nearest names of each query in an index of the gallery."""
    pytest.importorskip('faiss', reason='needs faiss')
    index = GalleryIndex(gallery.features.shape[1])
    index.add(gallery.features, gallery.names)
    return [[hit.entry.name for hit in hits] for hits in index.search(query.features, k).hits]


def test_trained_exported_ranked(trained, exported, inferencer):
    """Query and gallery of the tiny data set: the file ranks as the model does."""
    model = OnnxModel(exported()[0], progress=False)
    features = {}
    for name, extract in (('torch', inferencer), ('onnx', model)):
        features[name] = [
            extract(trained / 'data' / role) for role in ('query', 'bounding_box_test')
        ]
    (query, gallery), (query_onnx, gallery_onnx) = features['torch'], features['onnx']
    np.testing.assert_allclose(query_onnx.features, query.features, atol=1e-4)
    assert gallery_onnx.names == gallery.names
    labels = [
        [name.rsplit('/', 1)[1].split('_')[0] for name in part.names] for part in (query, gallery)
    ]
    lists = [
        ranking_lists(1 - q.features @ g.features.T, *labels, k=10) for q, g in features.values()
    ]
    assert lists[0].indices.tolist() == lists[1].indices.tolist()
    found = [search(q, g) for q, g in features.values()]
    assert found[0] == found[1] == [[gallery.names[i] for i in row] for row in lists[0].indices]
    scores = [evaluate_ranking(q.features, g.features, *labels) for q, g in features.values()]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_openvino_reads_it(exported):
    pytest.importorskip('openvino', reason='needs openvino')
    path = exported()[0]
    expected = OnnxModel(path, progress=False)(images()).features
    found = OnnxModel(path, 'openvino', progress=False, batch_size=3)(images()).features
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_file_that_disagrees_is_not_left(trained, tmp_path, monkeypatch):
    """A network whose graph is traced wrong; an older file of the name stays as it is."""
    other = ReIDInferencer(trained / 'work', device='cpu', progress=False)
    forward = other.model.head.forward

    def wrong(feats):
        features = forward(feats)
        return features + torch.arange(64.0) if torch.onnx.is_in_onnx_export() else features

    monkeypatch.setattr(other.model.head, 'forward', wrong)
    (tmp_path / 'model.onnx').write_text('before')
    with pytest.raises(ValueError, match='not written.*tolerance=0.0001'):
        export_onnx(other, tmp_path / 'model.onnx')
    assert [path.name for path in tmp_path.iterdir()] == ['model.onnx']
    assert (tmp_path / 'model.onnx').read_text() == 'before'


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(normalise='both'), ['both', 'inside']),
        (dict(channel_order='gbr'), ['gbr', 'rgb']),
        (dict(input_type='uint8', normalise='outside'), ['uint8', 'inside']),
        (dict(exporter='jit'), ['jit', 'torchscript']),
        (dict(opset=9), ['opset', '9', '11']),
        (dict(opset=99), ['opset 99']),
        (dict(images=['nowhere.jpg']), ['nowhere.jpg']),
        (dict(tolerance=float('nan')), ['tolerance']),
        (dict(tolerance=0), ['tolerance', 'greater', '0']),
    ],
)
def test_mistakes(options, words, inferencer, tmp_path):
    with pytest.raises(ValueError) as caught:
        export_onnx(inferencer, tmp_path / 'model.onnx', **options)
    assert all(word in str(caught.value) for word in words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('option', [dict(flip=True), dict(amp=True), dict(normalize=False)])
def test_what_no_file_does(option, trained, tmp_path):
    (name,) = option
    other = ReIDInferencer(trained / 'work', device='cpu', progress=False, **option)
    with pytest.raises(ValueError, match=f'{name}={option[name]} '):
        export_onnx(other, tmp_path / 'model.onnx')


def test_more_than_a_resize_cannot_be_said(trained, tmp_path):
    pad = {
        'test_dataloader.dataset.pipeline.extra': dict(type='Pad', size=(24, 60)),
        'val_dataloader.dataset.pipeline.extra': dict(type='Pad', size=(24, 60)),
    }
    padded = ReIDInferencer(trained / 'work', device='cpu', progress=False, options=pad)
    with pytest.raises(ValueError, match='Pad'):
        export_onnx(padded, tmp_path / 'model.onnx')


def test_files_that_are_not_ours(tmp_path, exported):
    with pytest.raises(FileNotFoundError, match='nowhere.onnx'):
        OnnxModel(tmp_path / 'nowhere.onnx')
    (tmp_path / 'text.onnx').write_text('no model')
    with pytest.raises(ValueError, match='text.onnx is not an ONNX model'):
        OnnxModel(tmp_path / 'text.onnx')
    for key, value in dict(image_size='[48, -1]', interpolation='cubic', mean='nought').items():
        model = onnx.load(exported()[0])
        next(entry for entry in model.metadata_props if entry.key == key).value = value
        onnx.save(model, tmp_path / 'odd.onnx')
        with pytest.raises(ValueError, match='odd.onnx.*(image_size.*-1|cubic|cannot be read)'):
            OnnxModel(tmp_path / 'odd.onnx')
    del model.metadata_props[:]
    onnx.save(model, tmp_path / 'bare.onnx')
    with pytest.raises(ValueError, match='bare.onnx.*lacks.*normalise'):
        OnnxModel(tmp_path / 'bare.onnx')
    with pytest.raises(ValueError, match='NoSuchProvider'):
        OnnxModel(exported()[0], providers=['NoSuchProvider'])
