"""An exported file has the identity of its training; a changed one has its own, and says so."""

import json

import numpy as np
import onnx
import pytest

from reid_fusedloss.apis import load_extraction, model_id
from reid_fusedloss.apis.extract_files import extract_to_folder
from reid_fusedloss.apis.fingerprint import of_file
from reid_fusedloss.apis.work_list import WorkList
from reid_fusedloss.export import OnnxModel, read_card
from tests.export.test_onnx_export import FORMS, images


def opened(path):
    return OnnxModel(path, progress=False)


@pytest.fixture
def photos(tmp_path, make_images):
    return WorkList([str(make_images(tmp_path / 'photos', [f'{n}.jpg' for n in range(4)]))])


@pytest.mark.parametrize('options', FORMS, ids=str)
def test_every_form_is_the_model(options, exported, inferencer):
    path, done = exported(**options)
    assert model_id(opened(path)) == model_id(inferencer)
    assert done.card.source == inferencer.fingerprint() == read_card(path).source


def test_a_folder_is_gone_on_with_by_either(photos, exported, inferencer, tmp_path):
    for first, second in (
        (inferencer, opened(exported()[0])),
        (opened(exported(input_type='uint8', channel_order='bgr')[0]), inferencer),
    ):
        out = tmp_path / type(first).__name__
        assert extract_to_folder(first, photos, out).done == 4
        assert extract_to_folder(second, photos, out).done == 0
        assert extract_to_folder(opened(exported()[0]), photos, out).done == 0
        np.testing.assert_allclose(
            load_extraction(out).features, second(photos.sources(photos.stamps)).features, atol=1e-5
        )


@pytest.fixture
def int8(exported, tmp_path):
    """A quantised copy of the file, made by onnxruntime, which keeps what the file says."""
    quantization = pytest.importorskip('onnxruntime.quantization')
    path = tmp_path / 'int8.onnx'
    quantization.quantize_dynamic(exported()[0], path)
    return path


def test_an_int8_copy_is_said_and_refused(int8, photos, inferencer, tmp_path):
    copy = opened(int8)
    assert np.abs(copy(images()).features - inferencer(images()).features).max() > 1e-4
    assert model_id(copy).startswith(f'{model_id(inferencer)}-int8-')
    extract_to_folder(inferencer, photos, tmp_path / 'out')
    with pytest.raises(ValueError, match="changed after its export and .*'float32', here 'int8'"):
        extract_to_folder(copy, photos, tmp_path / 'out')
    extract_to_folder(copy, photos, tmp_path / 'own')
    assert extract_to_folder(opened(int8), photos, tmp_path / 'own').done == 0


@pytest.mark.parametrize('change', ['weights', 'card'])
def test_a_changed_file_is_another_model(change, exported, inferencer, tmp_path):
    model = onnx.load(exported()[0])
    if change == 'card':
        next(prop for prop in model.metadata_props if prop.key == 'interpolation').value = 'nearest'
    else:
        weight = next(part for part in model.graph.initializer if len(part.dims) == 4)
        values = onnx.numpy_helper.to_array(weight) + np.float32(1e-3)
        weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, tmp_path / 'changed.onnx')
    assert model_id(opened(tmp_path / 'changed.onnx')) != model_id(inferencer)
    onnx.save(onnx.load(exported()[0]), tmp_path / 'again.onnx')  # read and written is no change
    assert model_id(opened(tmp_path / 'again.onnx')) == model_id(inferencer)


@pytest.fixture
def edited(exported, tmp_path):
    """The file with other entries; None takes one out."""

    def edit(**entries):
        model = onnx.load(exported()[0])
        props = {prop.key: prop.value for prop in model.metadata_props} | entries
        onnx.helper.set_model_props(
            model, {key: value for key, value in props.items() if value is not None}
        )
        onnx.save(model, tmp_path / 'edited.onnx')
        return tmp_path / 'edited.onnx'

    return edit


def test_a_file_of_an_older_release_is_its_own_model(edited, photos, inferencer, tmp_path):
    """It does not say which model it is of; folders that it made can be reopened."""
    path = edited(source=None, graph=None)
    old = opened(path)
    assert old.fingerprint() == of_file(path)
    assert extract_to_folder(old, photos, tmp_path / 'out').done == 4
    assert extract_to_folder(opened(path), photos, tmp_path / 'out').done == 0
    with pytest.raises(ValueError, match='holds features of another model'):
        extract_to_folder(inferencer, photos, tmp_path / 'out')
    extract_to_folder(inferencer, photos, tmp_path / 'torch')
    with pytest.raises(ValueError, match='holds features of another model'):
        extract_to_folder(old, photos, tmp_path / 'torch')


def test_a_card_of_another_distance_is_refused_by_galleries(edited):
    with pytest.raises(ValueError, match='ranks by euclidean distance'):
        model_id(opened(edited(distance='euclidean')))
    with pytest.raises(ValueError, match="distance must be .*, got 'manhattan'"):
        opened(edited(distance='manhattan'))
    with pytest.raises(ValueError, match='source must be the fingerprint of a model'):
        opened(edited(source=json.dumps(['a'])))
