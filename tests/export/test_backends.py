"""Features of one model by each runtime, and the cache of its graph."""

import ctypes
import json
import shutil
import sys
import threading

import numpy as np
import pytest
import torch

from reid_fusedloss import logs
from reid_fusedloss.apis import ReIDInferencer, backend, load_extraction, model_id
from reid_fusedloss.commands import arguments, parse
from reid_fusedloss.datasets.pedestrians import draw_pedestrian
from reid_fusedloss.export import OnnxModel, cached_graph, open_extractor, runtimes
from reid_fusedloss.export.onnx_export import export_onnx
from tests.calling import load_tool

PEOPLE = [draw_pedestrian(pid, pid % 2, 1) for pid in range(20, 27)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of this test."""
    monkeypatch.setenv('REID_CACHE_DIR', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'graphs'


@pytest.fixture
def lines(monkeypatch):
    """What is logged of the runtime."""
    said = []

    def print_log(text, **_):
        if text.startswith(('features are', 'the model is')):
            said.append(text)

    monkeypatch.setattr(logs, 'print_log', print_log)
    return said


@pytest.fixture
def exports(monkeypatch):
    """The paths of graphs that are exported."""
    made = []
    monkeypatch.setattr(
        cached_graph,
        'export_onnx',
        lambda model, path, **options: (made.append(path), export_onnx(model, path, **options)),
    )
    return made


@pytest.fixture
def opened(trained):
    """The tiny training by a backend."""

    def make(name, **options):
        options = {'device': 'cpu', 'progress': False, **options}
        return ReIDInferencer(trained / 'work', backend=name, **options)

    return make


def without_torch(model):
    """Make PyTorch's network fail."""
    model.model.forward = None
    return model


def close(model, expected):
    np.testing.assert_allclose(model(PEOPLE).features, expected(PEOPLE).features, atol=1e-5)


@pytest.mark.parametrize('name', backend.RUNTIMES)
def test_features_and_identity_are_pytorchs(name, opened, inferencer, exports, lines):
    pytest.importorskip(name)
    for batch_size in (3, 64):
        other = without_torch(opened(name, batch_size=batch_size))
        close(other, inferencer)
        assert model_id(other) == model_id(inferencer)
    assert len(exports) == 1 and f'computed by {name} ' in lines[0] and len(lines) == 2


def test_openvino_leaves_signal_handlers_their_stack(opened):
    """A signal after the model is gone would otherwise end the process."""
    pytest.importorskip('openvino', reason='needs openvino')

    class Stack(ctypes.Structure):
        _fields_ = [
            ('address', ctypes.c_void_p),
            ('flags', ctypes.c_int),
            ('size', ctypes.c_size_t),
        ]

    def stack_of_this_thread():
        stack = Stack()
        assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0
        return stack.address, stack.flags, stack.size

    before = stack_of_this_thread()
    opened('openvino')(PEOPLE)
    assert stack_of_this_thread() == before


@pytest.mark.slow
@pytest.mark.parametrize('network', ['osnet_x0_25_market1501', 'mobilenetv2_market1501'])
def test_trained_networks_are_alike_in_all_runtimes(network):
    expected = ReIDInferencer(network, device='cpu', progress=False)
    for name in backend.RUNTIMES:
        pytest.importorskip(name)
        close(without_torch(ReIDInferencer(network, progress=False, backend=name)), expected)


@pytest.mark.parametrize('damage', ['truncated', 'changed', 'of another model'])
def test_a_damaged_graph_is_made_again(damage, opened, inferencer, exported, cache, exports, lines):
    opened('onnxruntime')
    (path,) = cache.glob('*.onnx')
    sound = path.read_bytes()
    if damage == 'truncated':
        path.write_bytes(sound[:-100])
    elif damage == 'changed':
        middle = len(sound) // 2
        path.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
    else:
        shutil.copy(exported(l2=False)[0], path)
        edit_weights(path)
    close(without_torch(opened('onnxruntime')), inferencer)
    assert exports == [path, path]
    assert [line for line in lines if 'exported again' in line and str(path) in line]


def edit_weights(path):
    import onnx

    model = onnx.load(path)
    model.graph.initializer[0].raw_data = bytes(len(model.graph.initializer[0].raw_data))
    onnx.save(model, path)


def test_an_inexact_graph_is_made_again(opened, inferencer, cache, exports, monkeypatch):
    """As one that a runtime of another version computes differently."""
    opened('onnxruntime')
    real = OnnxModel.embed
    monkeypatch.setattr(
        OnnxModel,
        'embed',
        lambda self, samples: real(self, samples) + (1e-3 if len(exports) == 1 else 0),
    )
    close(opened('onnxruntime'), inferencer)
    assert len(exports) == 2


def test_two_at_once_export_once(opened, inferencer, exports):
    barrier, found = threading.Barrier(2), []

    def work():
        barrier.wait()
        found.append(opened('onnxruntime')(PEOPLE).features)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(exports) == 1 and len(found) == 2
    np.testing.assert_allclose(*found, atol=1e-6)


def test_large_batches_are_computed_in_parts():
    calls = []
    run = runtimes._in_parts(lambda images: (calls.append(len(images)), 2 * images)[1], 16)
    images = np.arange(80).reshape(40, 2)
    np.testing.assert_array_equal(run(images), 2 * images)
    assert calls == [16, 16, 8]


def test_few_graphs_are_kept(opened, cache, monkeypatch):
    monkeypatch.setattr(cached_graph, 'MOST_GRAPHS', 2)
    cache.mkdir(parents=True)
    for name in 'abc':
        (cache / f'{name}.onnx').touch()
    opened('onnxruntime')
    assert len(list(cache.glob('*.onnx'))) == 2


def test_auto_counts_the_images(opened, inferencer, exports, lines, monkeypatch):
    monkeypatch.setattr(backend, 'OPEN_FROM', 5)
    monkeypatch.setattr(backend, 'EXPORT_FROM', 14)
    first = opened('auto')
    for number in (0, 1, 1, 7, 7):
        first(PEOPLE[:number])
    assert [line.split(',')[0] for line in lines] == [
        'features are computed by PyTorch on cpu: fewer than 5 images',
        'features are computed by PyTorch on cpu: fewer than 14 images',
        lines[2],
    ]
    assert lines[2].startswith('features are computed by onnxruntime') and len(exports) == 1
    close(without_torch(first), inferencer)
    lines.clear()
    second = opened('auto')
    second(PEOPLE[:5])  # as many as a graph is opened for that need not be made
    close(without_torch(second), inferencer)
    assert len(lines) == len(exports) == 1 and 'onnxruntime' in lines[0]


@pytest.mark.parametrize('missing', [('onnxruntime',), ('onnxruntime', 'openvino'), ('onnx',)])
def test_without_the_extra(missing, opened, inferencer, lines, monkeypatch):
    monkeypatch.setattr(backend, 'EXPORT_FROM', 1)
    for module in missing:
        monkeypatch.setitem(sys.modules, module, None)
    close(opened('auto'), inferencer)
    wanted = 'by openvino' if missing == ('onnxruntime',) else 'by PyTorch on cpu: '
    assert wanted in lines[-1] and "pip install 'reid_fusedloss[export]'" in lines[-1]
    with pytest.raises(ImportError, match=rf'needs {missing[0]}: pip install'):
        opened('onnxruntime')


def test_a_refused_export_leaves_pytorch(opened, lines, monkeypatch):
    monkeypatch.setattr(backend, 'EXPORT_FROM', 1)
    options = {'model.data_preprocessor.pad_size_divisor': 32}
    found = opened('auto', options=options)(PEOPLE)
    expected = opened('torch', options=options)(PEOPLE)
    np.testing.assert_array_equal(found.features, expected.features)
    assert 'by PyTorch on cpu: only a ClsDataPreprocessor without padding' in lines[-1]
    with pytest.raises(ValueError, match='without padding can be exported'):
        opened('openvino', options=options)


def test_a_cache_that_cannot_be_written(opened, cache):
    cache.parent.write_text('a file')
    with pytest.raises(OSError, match='set REID_CACHE_DIR to a writable folder'):
        opened('onnxruntime')


@pytest.mark.parametrize(
    ('options', 'reason'),
    [
        (dict(device='cuda'), "on the CPU, not on device='cuda'"),
        (dict(device=torch.device('cuda:1')), "not on device='cuda:1'"),
        (dict(flip=True), 'only PyTorch computes flip'),
        (dict(amp=True), 'only PyTorch computes amp'),
        (dict(normalize=False), 'only PyTorch computes features that are not of unit length'),
    ],
)
def test_what_only_pytorch_computes(options, reason, opened, lines, monkeypatch):
    for name in backend.RUNTIMES:
        with pytest.raises(ValueError, match=f'backend={name!r} is not possible, .*{reason}'):
            opened(name, **options)
    if 'device' not in options:
        monkeypatch.setattr(backend, 'EXPORT_FROM', 1)
        opened('auto', **options)(PEOPLE)
        assert lines == [f'features are computed by PyTorch on cpu: {reason}']


def test_the_choices():
    assert arguments.BACKENDS == backend.BACKENDS
    with pytest.raises(ValueError, match="backend must be one of 'auto', .*got 'tensorrt'"):
        ReIDInferencer('mobilenetv2_market1501', backend='tensorrt')
    common = ['model', '--query', 'a', '--gallery', 'b', '--out', 'c.npz']
    assert parse('extract', common).backend == parse('search', common).backend == 'auto'
    assert parse('serve', ['model', '--index', 'a', '--backend', 'torch']).backend == 'torch'


def test_an_exported_file_in_each_runtime(exported, inferencer):
    path, _ = exported()
    for name in ('auto', *backend.RUNTIMES):
        close(open_extractor(path, progress=False, backend=name), inferencer)
    with pytest.raises(ValueError, match="PyTorch cannot compute: use backend='onnxruntime'"):
        open_extractor(path, backend='torch')


def test_the_command(trained, tmp_path, monkeypatch, capsys):
    """A folder that one runtime began is continued by another."""

    def extract(*options):
        words = [trained / 'work', trained / 'data' / 'query', '--out', tmp_path / 'features']
        words = ['extract', *words, '--quiet', '--device', 'cpu', *options]
        monkeypatch.setattr('sys.argv', list(map(str, words)))
        return load_tool('extract_features').main()

    assert extract('--backend', 'onnxruntime') == 0
    made_by = json.loads((tmp_path / 'features' / 'manifest.json').read_text())['made_by']
    assert made_by == ReIDInferencer(trained / 'work', device='cpu').fingerprint()
    assert len(load_extraction(tmp_path / 'features'))
    capsys.readouterr()
    for name in ('torch', 'openvino', 'auto'):
        assert extract('--backend', name) == 0
        assert 'nothing was missing' in capsys.readouterr().out
    assert extract('--backend', 'openvino', '--flip') == 2
    error = capsys.readouterr().err.strip()
    assert error.count('\n') == 0 and 'only PyTorch computes flip' in error
