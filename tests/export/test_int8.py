"""int8 files: near the float file, said to be so, and another model."""

import json

import cv2
import numpy as np
import onnx
import pytest

from reid_fusedloss.apis import model_id
from reid_fusedloss.apis.fingerprint import differences
from reid_fusedloss.commands import start
from reid_fusedloss.datasets.pedestrians import draw_pedestrian
from reid_fusedloss.export import OnnxModel, open_extractor, quantise_onnx, read_card
from reid_fusedloss.export.quantisers import first_convs, pooled

pytest.importorskip('onnxruntime.quantization', reason='needs onnxruntime with quantization')


def opened(path, runtime='onnxruntime'):
    return OnnxModel(path, runtime, progress=False)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Drawn pedestrians, and a file that is not an image."""
    folder = tmp_path_factory.mktemp('gallery') / 'people'
    folder.mkdir()
    for number in range(32):
        cv2.imwrite(str(folder / f'{number:02}.png'), draw_pedestrian(number, number % 3, number))
    (folder / 'broken.jpg').write_text('no picture')
    return folder


@pytest.fixture(scope='module')
def others():
    """Pedestrians that are not in the folder."""
    return [draw_pedestrian(pid, pid % 3, 1) for pid in range(100, 110)]


@pytest.fixture(scope='module')
def int8(exported, folder, tmp_path_factory):
    """(file, result)."""
    path = tmp_path_factory.mktemp('int8') / 'int8.onnx'
    return path, quantise_onnx(exported()[0], path, folder, num_images=25)


def cosines(first, second):
    a, b = first.features.astype(np.float64), second.features.astype(np.float64)
    return (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))


def in_float(path):
    """Number of convolutions whose weights are float32."""
    graph = onnx.load(path).graph
    weights = {part.name for part in graph.initializer}
    return sum(node.op_type == 'Conv' and node.input[1] in weights for node in graph.node)


def test_features_are_near_and_convolutions_are_int8(int8, exported, others):
    expected = opened(exported()[0])(others)
    assert 0.98 < cosines(opened(int8[0])(others), expected).min() < 0.999999
    kinds = [node.op_type for node in onnx.load(int8[0]).graph.node]
    assert kinds.count('DequantizeLinear') > 2 * kinds.count('Conv') > 20
    assert in_float(int8[0]) == 0 == read_card(int8[0]).int8['float_convs']
    pytest.importorskip('openvino', reason='needs openvino')
    assert cosines(opened(int8[0], 'openvino')(others), expected).min() > 0.98


@pytest.mark.parametrize(
    'options', [dict(input_type='uint8', channel_order='bgr'), dict(normalise='outside', l2=False)]
)
def test_other_inputs_and_outputs(options, exported, folder, others, tmp_path):
    quantise_onnx(exported(**options)[0], tmp_path / 'a.onnx', folder, num_images=25)
    expected = opened(exported()[0])(others)
    assert cosines(opened(tmp_path / 'a.onnx')(others), expected).min() > 0.98


def test_what_the_file_says(int8, exported, folder):
    """The figures are those of the file on the images, computed here from its features."""
    path, done = int8
    card = read_card(path)
    assert card == done.card
    said = json.loads({entry.key: entry.value for entry in onnx.load(path).metadata_props}['int8'])
    assert (said['quantiser'], said['folder'], said['images']) == ('onnxruntime', 'people', 24)
    assert said['version'] and said['calibration']['images'] == 24
    assert list(done.unreadable) == [str(folder / 'broken.jpg')]
    images = sorted(folder.glob('*.png'))
    every = cosines(opened(path)(images), opened(exported()[0])(images))
    assert said['held_out']['images'] == 8
    worst = min(said[part]['worst'] for part in ('calibration', 'held_out'))
    assert 1 - worst == pytest.approx(1 - every.min(), rel=0.05)
    changed = {'source', 'graph', 'int8'}
    before = exported()[1].card.to_props()
    assert {key: value for key, value in card.to_props().items() if key not in changed} == {
        key: value for key, value in before.items() if key not in changed
    }


def test_it_is_another_model(int8, exported, inferencer, folder, tmp_path):
    """Its id begins as the model's and says int8; so does the refusal; a copy is the same."""
    copy = opened(int8[0])
    assert model_id(copy).startswith(f'{model_id(inferencer)}-int8-')
    (found, options) = differences(inferencer.fingerprint(), copy.fingerprint())
    assert found == 'weights that were quantised otherwise' and "'float32', here 'int8'" in options
    (tmp_path / 'copy.onnx').write_bytes(int8[0].read_bytes())
    assert model_id(opened(tmp_path / 'copy.onnx')) == model_id(copy)
    quantise_onnx(exported()[0], tmp_path / 'again.onnx', folder, num_images=25)
    assert model_id(opened(tmp_path / 'again.onnx')) == model_id(copy)
    quantise_onnx(exported()[0], tmp_path / 'other.onnx', folder, num_images=25, seed=1)
    assert model_id(opened(tmp_path / 'other.onnx')) != model_id(copy)


def test_a_changed_int8_file_says_so(int8, tmp_path):
    model = onnx.load(int8[0])
    next(entry for entry in model.metadata_props if entry.key == 'interpolation').value = 'nearest'
    onnx.save(model, tmp_path / 'changed.onnx')
    changed = opened(tmp_path / 'changed.onnx')
    assert model_id(changed).startswith(f'{model_id(opened(int8[0]))}-')
    assert 'changed after its export' in str(
        differences(opened(int8[0]).fingerprint(), changed.fingerprint())
    )


def test_a_gallery_of_float_features_refuses_it(int8, exported, folder, tmp_path, capsys):
    """The commands open it like any exported file, and refuse to mix."""
    pytest.importorskip('faiss', reason='needs faiss')
    assert isinstance(open_extractor(int8[0], progress=False), OnnxModel)
    gallery = ['--gallery', str(folder), '--index', str(tmp_path / 'index')]
    query = ['--query', str(folder / '01.png'), '--out', str(tmp_path / 'out')]
    assert start('search', [str(exported()[0]), *query, *gallery]) == 0
    capsys.readouterr()
    assert start('search', [str(int8[0]), *query, *gallery]) == 2
    assert 'one model in two precisions' in capsys.readouterr().err
    assert start('search', [str(int8[0]), *query, '--gallery', str(folder)]) == 0


def test_convolutions_stay_in_float_if_the_features_need_it(
    exported, folder, tmp_path, monkeypatch
):
    """As many as are asked for; if none are, none, or five if that is not close enough."""
    kept = {}
    for name, options in dict(two=dict(float_convs=2), asked=dict(), needed=dict()).items():
        if name == 'needed':
            monkeypatch.setattr('reid_fusedloss.export.int8.CLOSE', 2)
        done = quantise_onnx(
            exported()[0], tmp_path / f'{name}.onnx', folder, num_images=25, **options
        )
        kept[name] = in_float(tmp_path / f'{name}.onnx')
        assert done.card.int8['float_convs'] == kept[name]
    assert kept == dict(two=2, asked=0, needed=5)


def test_gates_and_head_stay_in_float():
    """A squeeze of a convolution's maps, its product with them, and a head after the pooling."""
    node = onnx.helper.make_node
    graph = [
        node('Conv', ['images', 'w0'], ['maps'], 'first'),
        node('Relu', ['maps'], ['active'], 'relu'),
        node('GlobalAveragePool', ['active'], ['mean'], 'squeeze'),
        node('Conv', ['mean', 'w1'], ['gate'], 'fc'),
        node('Sigmoid', ['gate'], ['open'], 'sigmoid'),
        node('Mul', ['active', 'open'], ['gated'], 'product'),
        node('Conv', ['gated', 'w2'], ['last'], 'second'),
        node('GlobalAveragePool', ['last'], ['pooled'], 'pool'),
        node('Gemm', ['pooled', 'w3'], ['features'], 'head'),
    ]
    assert pooled(graph) == ['squeeze', 'fc', 'sigmoid', 'pool', 'head']
    assert first_convs(graph, 1) == ['first', 'relu']
    assert first_convs(graph, 0) == []


def test_features_that_are_far_off_are_refused(exported, folder, tmp_path):
    (tmp_path / 'int8.onnx').write_text('before')
    with pytest.raises(ValueError, match=r'int8.onnx is not written: the cosine .* less than 1:'):
        quantise_onnx(
            exported()[0], tmp_path / 'int8.onnx', folder, num_images=25, least_cosine=1.0
        )
    assert (tmp_path / 'int8.onnx').read_text() == 'before'
    assert [path.name for path in tmp_path.iterdir()] == ['int8.onnx']


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(num_images=3), 'num_images=3 must be >= 8'),
        (dict(quantiser='tensorrt'), "quantiser must be .*'nncf', got 'tensorrt'"),
        (dict(least_cosine=2), 'least_cosine must be from 0 to 1, got 2'),
        (dict(seed=-1), 'seed=-1'),
        (dict(float_convs=-1), 'float_convs=-1'),
    ],
)
def test_wrong_arguments(options, words, exported, folder, tmp_path):
    with pytest.raises(ValueError, match=words):
        quantise_onnx(exported()[0], tmp_path / 'int8.onnx', folder, **options)


def test_what_cannot_be_quantised(int8, exported, folder, tmp_path):
    few = sorted(folder.glob('*.png'))[:15]
    with pytest.raises(ValueError, match='15 of 15 images can be read, which are too few'):
        quantise_onnx(exported()[0], tmp_path / 'a.onnx', few)
    with pytest.raises(ValueError, match='int8.onnx is int8 already'):
        quantise_onnx(int8[0], tmp_path / 'a.onnx', folder)
    with pytest.raises(ValueError, match=r'must end in \.onnx'):
        quantise_onnx(exported()[0], tmp_path / 'a.xml', folder)
    with pytest.raises(ValueError, match='broken.jpg is not an ONNX model'):
        quantise_onnx(folder / 'broken.jpg', tmp_path / 'a.onnx', folder)
    with pytest.raises(FileNotFoundError, match='nowhere'):
        quantise_onnx(exported()[0], tmp_path / 'a.onnx', str(tmp_path / 'nowhere'))
    assert not list(tmp_path.iterdir())


def test_the_command(trained, folder, tmp_path, capsys):
    out = tmp_path / 'int8.onnx'
    arguments = [str(trained / 'work'), str(out), '--int8']
    assert start('export', arguments) == 2
    assert 'needs images to calibrate with: add --calibrate FOLDER' in capsys.readouterr().err
    assert start('export', [*arguments[:2], '--quantiser', 'nncf']) == 2
    assert '--quantiser is for --int8' in capsys.readouterr().err
    assert not out.exists()
    assert start('export', [*arguments, '--calibrate', str(folder)]) == 0
    printed = capsys.readouterr().out
    assert 'calibration: unreadable:' in printed and 'broken.jpg' in printed
    assert 'on 8 images that int8 was not calibrated with' in printed
    assert '"folder": "people"' in printed and read_card(out).int8['images'] == 24


def test_by_nncf(exported, folder, others, tmp_path):
    pytest.importorskip('nncf', reason='needs nncf')
    pytest.importorskip('openvino', reason='needs openvino')
    path = tmp_path / 'int8.onnx'
    done = quantise_onnx(
        exported()[0], path, folder, num_images=25, quantiser='nncf', float_convs=2
    )
    assert in_float(path) == 2
    assert done.card.int8['quantiser'] == 'nncf' and done.card.int8['runtime'] == 'openvino'
    expected = opened(exported()[0])(others)
    for runtime in ('openvino', 'onnxruntime'):
        assert cosines(opened(path, runtime)(others), expected).min() > 0.98
