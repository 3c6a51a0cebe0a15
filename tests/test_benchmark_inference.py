"""tools/benchmark/inference_speed.py at a tiny size: what it compares is the same work."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from reid_fusedloss.datasets.pedestrians import draw_pedestrian
from tests.oracles import ranking as oracle

pytest.importorskip('onnx', reason='needs onnx')
pytest.importorskip('onnxruntime', reason='needs onnxruntime')
pytest.importorskip('openvino', reason='needs openvino')
FOLDER = Path(__file__).resolve().parents[1] / 'tools' / 'benchmark'
sys.path.insert(0, str(FOLDER))

import inference_accuracy  # noqa: E402
import inference_runs  # noqa: E402
import inference_speed  # noqa: E402
import inference_ways  # noqa: E402
import peer_driver  # noqa: E402

NETWORK = inference_ways.NETWORKS['mobilenetv2']


@pytest.fixture(scope='module')
def ways(tmp_path_factory):
    """MobileNetV2 in all ways; in place of an int8 file, its float32 file again."""
    folder = tmp_path_factory.mktemp('ways')
    names = ['PyTorch channels-last', 'ONNX Runtime', 'OpenVINO']
    found = dict(inference_ways.open_ways(NETWORK, folder, names, batch_size=4))
    (path,) = folder.glob('*.onnx')
    found['OpenVINO int8'] = inference_ways.OnnxModel(path, 'openvino', progress=False)
    return found


@pytest.fixture
def run(tmp_path, ways, monkeypatch):
    """The tables that a run writes."""

    def start(*arguments):
        monkeypatch.setattr(inference_speed, 'open_ways', lambda *_: ways.items())
        path = tmp_path / 'results.json'
        words = [*arguments, '--networks', 'mobilenetv2', '--rounds', '2', '--json', path]
        inference_speed.main(list(map(str, words)))
        return json.loads(path.read_text())['tables']

    return start


def test_every_way_is_timed_at_every_batch_size(run, ways, capsys):
    tables = run('network', '--batches', 1, 3, '--seconds', 0)
    assert [{found['batch'] for found in table['ways'].values()} for table in tables] == [{1}, {3}]
    for table in tables:
        assert list(table['ways']) == list(ways)
        assert {found['calls'] for found in table['ways'].values()} == {2}
        differences = [found['difference'] for found in table['ways'].values()]
        assert differences[0] == 0 and 0 < max(differences) < 1e-5
    text = capsys.readouterr().out
    assert '| 3     | OpenVINO int8' in text and 'openvino 20' in text


def test_calls_are_interleaved_and_the_first_is_not_counted():
    order = []
    works = dict(a=lambda: order.append('a'), b=lambda: order.append('b'))
    found = inference_runs.time_calls(works, 0, 3, 'wall')
    assert ''.join(order) == 'ab' + 'ab' + 'ba' + 'ab' and list(map(len, found.values())) == [3, 3]


def test_figures_of_latencies():
    found = inference_runs.Latency(4, [0.1] * 98 + [0.3, 0.5], 0.0)
    assert found.rate == pytest.approx(400 / 10.6)
    entry = found.as_dict()
    assert entry['median'] == 0.1 and 0.3 <= entry['percentile_99'] <= 0.5


def test_the_ways_are_what_they_are_called(ways):
    samples = inference_ways.draw_samples(ways['PyTorch'], 2)
    for name in ('PyTorch channels-last', 'ONNX Runtime', 'OpenVINO'):
        expected = ways['PyTorch'].embed(samples)
        np.testing.assert_allclose(ways[name].embed(samples), expected, atol=1e-5)
    weight = next(ways['PyTorch channels-last'].model.parameters())
    assert weight.stride(1) == 1 and next(ways['PyTorch'].model.parameters()).stride(1) > 1


def test_random_weights_are_written_once(tmp_path):
    source = inference_ways.NETWORKS['r50'].source(tmp_path)
    assert Path(source[1]).is_file() and source[0].endswith('fusedloss_r50.py')
    before = Path(source[1]).stat().st_mtime_ns
    inference_ways.NETWORKS['r50'].source(tmp_path)
    assert Path(source[1]).stat().st_mtime_ns == before


def test_files_are_timed(run, ways):
    (table,) = run('files', '--number', 5)
    first, *others = table['ways'].values()
    assert first['title'] == 'PyTorch, images read in turn'
    assert [entry['title'] for entry in others] == list(ways)
    assert {entry['images'] for entry in table['ways'].values()} == {5}
    assert others[0]['ratio'] == pytest.approx(others[0]['min'] / first['min'])


@pytest.fixture
def market(tmp_path):
    """Four identities in the layout of Market-1501, with distractors and junk."""
    root = tmp_path / 'market'
    for folder, cameras, pids in (
        ('query', (1,), (1, 2, 3, 4)),
        ('bounding_box_test', (1, 2, 3), (-1, 0, 1, 2, 3, 4)),
    ):
        (root / folder).mkdir(parents=True)
        for pid in pids:
            for camera in cameras:
                image = draw_pedestrian(max(pid, 0), camera, len(folder))
                name = f'{"-1" if pid < 0 else f"{pid:04d}"}_c{camera}s1_{camera}.jpg'
                cv2.imwrite(str(root / folder / name), image)
    return root


def test_figures_are_the_oracles(run, market, ways):
    (table,) = run('evaluate', '--root', market)
    row = table['ways'][2]
    query, gallery = (
        ways['ONNX Runtime'](part) for part in inference_accuracy.market_files(market, None)
    )
    kept = [row for row, name in enumerate(gallery.names) if '/-' not in name]
    names = [[Path(name).name for name in part.names] for part in (query, gallery)]
    names[1] = [names[1][row] for row in kept]
    pids = [np.array([int(name[:4]) for name in part]) for part in names]
    camids = [np.array([int(name[6]) for name in part]) for part in names]
    expected = oracle.ranking_metrics(
        1 - query.features @ gallery.features[kept].T, *pids, *camids, 'ir', [1]
    )
    assert row['way'] == 'ONNX Runtime' and 0 < row['difference'] < 1e-5
    assert [row['R1'], row['mAP']] == pytest.approx([expected['R1'], expected['mAP']])


def test_a_limit_takes_whole_identities(market):
    query, gallery = inference_accuracy.market_files(market, 2)
    assert [Path(path).name[:4] for path in query] == ['0001', '0002']
    assert {Path(path).name[:4] for path in gallery} == {'0001', '0002'} and len(gallery) == 6


@pytest.fixture
def checkout(tmp_path):
    """A checkout with torchreid's extractor: it returns the tensor in the weights' file.

    Its import fails if one of the benchmark's modules can hide a project's. A call takes 0.05 s of
    CPU time at least, and writes to standard output.
    """
    package = tmp_path / 'checkout' / 'torchreid'
    package.mkdir(parents=True)
    (package / '__init__.py').touch()
    (package / 'utils.py').write_text(
        'import importlib.util, time, torch\n\n'
        'assert importlib.util.find_spec("inference_peers") is None\n\n'
        'class FeatureExtractor:\n'
        '    def __init__(self, name, weights, device, verbose):\n'
        '        assert (name, device, verbose) == ("osnet_x0_25", "cpu", False)\n'
        '        self.rows = torch.load(weights)\n'
        '    def __call__(self, paths):\n'
        '        print("noise")\n'
        '        end = time.process_time() + 0.05\n'
        '        while time.process_time() < end:\n'
        '            pass\n'
        '        return self.rows[: len(paths)]\n'
    )
    return package.parent


def test_a_peer_is_timed_and_compared_in_its_own_process(run, ways, checkout, tmp_path, capsys):
    paths = inference_runs.image_files(None, 3, tmp_path)
    rows = 7 * ways['PyTorch'](paths).features.astype(float)
    rows[1, 0] += 3
    weights = tmp_path / 'rows.pt'
    torch.save(torch.from_numpy(rows).float(), weights)
    peer = f'torchreid={sys.executable},{checkout}'
    (table,) = run('peers', '--number', 3, '--peer', peer, '--weights', weights, '--clock', 'cpu')
    entry = table['ways']['torchreid, PyTorch']
    assert entry['images'] == 3 and len(entry['seconds']) == 2 and min(entry['seconds']) >= 0.05
    assert entry['reference'] == 'PyTorch, images read in turn'
    changed, own = rows[1] / np.linalg.norm(rows[1]), rows[1] - np.eye(len(rows[1]))[0] * 3
    cosine = changed @ own / 7
    assert entry['difference'] == pytest.approx(np.abs(changed - own / 7).max(), abs=1e-6)
    assert entry['smallest_cosine'] == pytest.approx(cosine, abs=1e-6) and cosine < 0.99
    assert entry['mean_cosine'] == pytest.approx((2 + cosine) / 3, abs=1e-6)
    assert table['ways']['OpenVINO']['difference'] < 1e-5
    text = capsys.readouterr().out
    assert f'torchreid, PyTorch: torch {version("torch")}, pillow' in text and 'noise' not in text


def test_a_peer_that_does_not_start_says_why(run, tmp_path):
    weights = tmp_path / 'weights.pt'
    words = ['peers', '--number', 1, '--weights', weights]
    with pytest.raises(FileNotFoundError, match='needs --weights.*weights.pt'):
        run(*words)
    weights.touch()
    with pytest.raises(ValueError, match=r'needs --peer, once for each project, got \[\]'):
        run(*words)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match="--peer torchreid by .*No module named 'torchreid"):
        run(*words, '--peer', f'torchreid={sys.executable},{tmp_path / "empty"}')


def test_fastreids_weights_compute_the_same_head():
    layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).eval()
    layers[1].running_mean.normal_()
    state = {f'fc.{key}': value for key, value in layers.state_dict().items()}
    state |= {'conv1.weight': torch.ones(2), 'classifier.weight': torch.ones(3)}
    found = peer_driver.fastreid_weights(state)
    assert set(found) >= {'backbone.conv1.weight'} and not any('classifier' in key for key in found)
    head = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1, bias=False), torch.nn.BatchNorm2d(4)).eval()
    own = {key.removeprefix('heads.bottleneck.'): value for key, value in found.items()}
    head.load_state_dict(
        {key: value for key, value in own.items() if key[0].isdigit()}, strict=False
    )
    x = torch.randn(5, 3)
    torch.testing.assert_close(head(x[:, :, None, None])[..., 0, 0], layers(x))


def test_sessions_of_a_peer_obey_the_number_of_threads(monkeypatch):
    onnxruntime = pytest.importorskip('onnxruntime')

    def threads(*options):
        runtime = SimpleNamespace(
            SessionOptions=onnxruntime.SessionOptions,
            InferenceSession=lambda path, options=None, providers=None: options,
        )
        peer_driver.limit_threads(runtime)
        options = runtime.InferenceSession('x.onnx', *options, providers=[])
        return options and options.intra_op_num_threads

    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    assert threads() == threads(onnxruntime.SessionOptions()) == 3
    monkeypatch.delenv('OMP_NUM_THREADS')
    assert threads() is None


def test_wrong_arguments(capsys, monkeypatch):
    for words in (
        ['network', '--int8-file', 'r50=missing.onnx'],
        ['network', '--ways', 'TensorRT'],
        ['peers', '--peer', f'nobody={sys.executable}'],
        ['peers', '--peer', f'reid={sys.executable},missing'],
    ):
        with pytest.raises(SystemExit):
            inference_speed.parse(words)
    text = capsys.readouterr().err
    assert 'NETWORK=FILE.onnx, NETWORK one of mobilenetv2' in text
    assert 'NAME one of torchreid, fastreid' in text and 'there is no checkout missing' in text
    monkeypatch.delenv('MARKET1501_ROOT', raising=False)
    with pytest.raises(ValueError, match='give --root'):
        inference_speed.main(['evaluate'])
