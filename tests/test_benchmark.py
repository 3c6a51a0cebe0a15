"""tools/benchmark/eval_speed.py at a tiny size: what it says is right, whatever the seconds are."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from reid_fusedloss.evaluation.embeddings_file import CAMERA_KEYS, KEYS
from reid_fusedloss.functional import evaluate_ranking
from tests.oracles import ranking as oracle

FOLDER = Path(__file__).resolve().parents[1] / 'tools' / 'benchmark'
sys.path.insert(0, str(FOLDER))

import classic  # noqa: E402
import eval_speed  # noqa: E402
import gpu  # noqa: E402
import inputs as features  # noqa: E402
import measure  # noqa: E402
import peers  # noqa: E402
import stages  # noqa: E402
import start_up  # noqa: E402

TINY = ['--size', '40x160', '--dim', '32', '--repeat', '2', '--backend', 'numpy']
OPTIONS = stages.Options('numpy', 64)


@pytest.fixture(scope='module')
def tiny():
    return features.synthetic(features.parse_size('40x160'), 32)


@pytest.fixture(scope='module')
def results(tmp_path_factory):
    """What a whole run writes, without the processes that measure memory."""
    path = tmp_path_factory.mktemp('benchmark') / 'results.json'
    eval_speed.main([*TINY, '--no-memory', '--json', str(path)])
    return json.loads(path.read_text())


def test_every_stage_is_timed_in_every_round(results):
    stages_by_name = {stage['name']: stage for stage in results['stages']}
    assert list(stages_by_name) == [
        'gemm',
        'rank',
        'rank_given',
        'gemm_all',
        'rerank',
        'rerank_streaming',
        'expansion',
    ]
    assert {len(stage['seconds']) for stage in results['stages']} == {2}
    rerank, product = stages_by_name['rerank'], stages_by_name['gemm_all']
    assert rerank['ratio'] == pytest.approx(rerank['min'] / product['min'])
    assert 0 < rerank['gemm_share'] < 1 and results['back end'].startswith('numpy')


def test_parts_add_up_to_their_stage(results):
    rerank = next(stage for stage in results['stages'] if stage['name'] == 'rerank')
    outer = [part for part in rerank['parts'] if part['depth'] == 0]
    assert len(outer) > 2
    assert sum(part['seconds'] for part in outer) == pytest.approx(rerank['min'], rel=0.05)


def test_figures_are_the_oracles(results, tiny):
    found = {stage['name']: stage['figures'] for stage in results['stages']}
    unit = [
        part / np.linalg.norm(part, axis=1, keepdims=True) for part in (tiny.query, tiny.gallery)
    ]
    expected = oracle.ranking_metrics(1 - unit[0] @ unit[1].T, *tiny.labels, 'ir', [1])
    for name in ('rank', 'rank_given'):
        for key in ('mAP', 'R1', 'mINP'):
            assert found[name][key] == pytest.approx(expected[key], abs=1e-4)
    assert found['rerank'] == pytest.approx(found['rerank_streaming'])
    assert found['rerank']['mAP'] > found['rank']['mAP']
    assert results['check']['images'] == 200
    assert results['check']['largest_difference'] < 1e-6


def test_dense_reranking_is_the_oracles(tiny):
    distances = oracle.euclidean_of_normalised(np.concatenate([tiny.query, tiny.gallery]))
    for k1, k2, lambda_value in ((20, 6, 0.3), (5, 1, 0.0)):
        expected = oracle.k_reciprocal(distances, 40, k1, k2, lambda_value)
        result = classic.classic_rerank(tiny.query, tiny.gallery, k1, k2, lambda_value)
        np.testing.assert_allclose(result, expected, atol=1e-12)


def test_drawn_features_are_of_market_structure():
    size = features.SIZES['market']
    drawn = features.synthetic(size, 8)
    assert (len(drawn.query), len(drawn.gallery)) == (3368, 15913)
    assert len(set(drawn.gallery_pids)) == 751 and len(set(drawn.gallery_camids)) == 6
    assert (drawn.gallery_pids == 0).sum() == 2798 and drawn.query.dtype == np.float32
    again = features.synthetic(size, 8)
    np.testing.assert_array_equal(drawn.gallery, again.gallery)


def test_a_part_holds_whole_identities(tiny):
    part = features.whole_identities(tiny, 100)
    assert 50 < part.num_images <= 100
    for pid in set(part.query_pids):
        assert (part.gallery_pids == pid).sum() == (tiny.gallery_pids == pid).sum() > 0
    with pytest.raises(ValueError, match='at most 3 images'):
        features.whole_identities(tiny, 3)


def test_features_from_a_file(tiny, tmp_path):
    arrays = dict(zip((*KEYS, *CAMERA_KEYS), (tiny.query, tiny.gallery, *tiny.labels)))
    np.savez(tmp_path / 'all.npz', **arrays)
    read = features.load(tmp_path / 'all.npz')
    np.testing.assert_array_equal(read.gallery, tiny.gallery)
    np.testing.assert_array_equal(read.gallery_camids, tiny.gallery_camids)
    np.savez(tmp_path / 'half.npz', query_f=tiny.query)
    with pytest.raises(ValueError, match='gallery_label'):
        features.load(tmp_path / 'half.npz')
    np.savez(tmp_path / 'none.npz', **{key: arrays[key] for key in KEYS})
    with pytest.raises(ValueError, match='gallery_cam'):
        features.load(tmp_path / 'none.npz')


def test_functions_are_put_back():
    from reid_fusedloss.functional.reranking import encoding, rerank

    before = encoding.encode
    with measure.Spans().installed():
        assert encoding.encode is not before and rerank.encode is encoding.encode
    assert encoding.encode is before and rerank.encode is before


def test_spans_split_nested_calls():
    spans = measure.Spans()
    spans.seconds.update(
        {
            ('a._outer',): 4.0,
            ('a._outer', 'b.inner'): 3.0,
            ('a._outer', 'b.inner', measure.PRODUCT): 2.0,
        }
    )
    parts = [(part.depth, part.name, part.seconds, part.product) for part in spans.stages(10.0)]
    assert parts == [
        (0, 'outer', 4, 2),
        (1, 'inner', 3, 2),
        (1, 'rest of outer', 1, 0),
        (0, 'rest', 6, 0),
    ]
    assert spans.share_of_product(10.0) == pytest.approx(0.2)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='memory is read from /proc')
def test_memory_of_a_stage_in_its_own_process():
    environment = dict(
        os.environ, OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore', PYTHONPATH=str(FOLDER.parents[1])
    )
    done = subprocess.run(
        [
            sys.executable,
            str(FOLDER / 'eval_speed.py'),
            '--size',
            '1000x8000',
            '--dim',
            '16',
            '--stage',
            'rerank',
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert 4 * 1000 * 8000 < found['extra_bytes'] < 400 * 2**20
    assert found['seconds'] > 0


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='memory is read from /proc')
def test_the_peak_counts_what_is_freed():
    assert measure.timed_with_memory(lambda: np.ones(2**24).sum())[2] > 0.99 * 2**27
    assert measure.timed_with_memory(lambda: None)[2] < 2**24


def test_msmt17_runs_in_24_gb_but_for_what_is_named(monkeypatch):
    monkeypatch.setattr(eval_speed, 'available_memory', lambda: 22 * 2**30)
    shape = types.SimpleNamespace(shape=(1, 2048))
    msmt17 = types.SimpleNamespace(num_pairs=11659 * 82161, num_images=93820, query=shape)
    for stage in stages.own_stages(OPTIONS):
        assert eval_speed.too_large(stage, msmt17) == ''
    peer = peers.Peer('torchreid', Path())
    reasons = {
        stage.name: eval_speed.too_large(stage, msmt17)
        for stage in peers.peer_stages(peer, OPTIONS, Path())
    }
    assert reasons['torchreid.rerank'] == ('skipped: it needs about 197 GiB, 22 GiB are available')


@pytest.fixture
def peer(tmp_path):
    """A checkout with torchreid's folders: a ranking of known figures, a broken re-ranking."""
    for name in ('metrics', 'utils'):
        (tmp_path / 'torchreid' / name).mkdir(parents=True)
    (tmp_path / 'torchreid' / 'metrics' / 'rank.py').write_text(
        'def evaluate_rank(distmat, q_pids, g_pids, q_camids, g_camids, max_rank=50,\n'
        '                  use_metric_cuhk03=False, use_cython=True):\n'
        '    assert distmat.shape == (len(q_pids), len(g_pids)) and not use_cython\n'
        '    return [.5, .75], .25\n'
    )
    (tmp_path / 'torchreid' / 'utils' / 'rerank.py').write_text(
        'import numpy\n\ndef re_ranking(q_g, q_q, g_g):\n    return numpy.no_such_name\n'
    )
    return peers.Peer.find(tmp_path)


def test_a_peer_is_run_or_says_why_not(peer, tiny, tmp_path):
    found = {
        stage.name: eval_speed.measure_alone(stage, tiny)
        for stage in peers.peer_stages(peer, OPTIONS, tmp_path)
    }
    assert found['torchreid.rank_python']['figures'] == dict(mAP=25, R1=50)
    assert found['torchreid.rerank']['problem'].startswith('does not run: AttributeError')
    assert 'setup.py build_ext --inplace' in found['torchreid.rank_cython']['problem']


def test_a_peer_is_given_euclidean_distances(tiny):
    found = peers.euclidean_distances(tiny)
    expected = oracle.euclidean_of_normalised(np.concatenate([tiny.query, tiny.gallery]))
    for result, block in zip(found, (expected[:40, 40:], expected[:40, :40], expected[40:, 40:])):
        np.testing.assert_allclose(result**2, block**2, atol=2e-6)


def test_peers_that_are_none(peer, tmp_path):
    with pytest.raises(ValueError, match='KaiyangZhou/deep-person-reid'):
        peers.find_peers([tmp_path / 'torchreid'])
    with pytest.raises(ValueError, match='one checkout of each'):
        peers.find_peers([peer.path, peer.path])


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['--size', 'markt'], "'msmt17'.*'markt'"),
        (['--size', '40x0'], '200x1000'),
        ([*TINY, '--only', 'reranking'], "'rerank_streaming'.*got unknown .'reranking'"),
    ],
)
def test_mistakes_on_the_command_line(arguments, words):
    with pytest.raises(ValueError, match=words):
        eval_speed.main(arguments)
    with pytest.raises(FileNotFoundError, match='nowhere'):
        eval_speed.main([*TINY, '--json', 'nowhere/results.json'])


def test_a_gpu_is_compared_with_the_cpu(tmp_path, capsys):
    """Rehearsed on the CPU: the same figures from both, those of the package."""
    path = tmp_path / 'results.json'
    sizes = ['--sizes', '20x100', '--dim', '16', '--rounds', '1']
    gpu.main([*sizes, '--device', 'cpu', '--json', str(path)])
    rows = json.loads(path.read_text())['rows']
    assert [row['stage'] for row in rows] == ['ranking', 're-ranking', 'query expansion']
    drawn = features.synthetic(features.parse_size('20x100'), 16)
    expected = evaluate_ranking(drawn.query, drawn.gallery, *drawn.labels, rerank={})
    assert rows[1]['figures']['mAP'] == pytest.approx(expected['mAP'], abs=1e-3)
    assert all(row['apart'] == 0 and row['cpu'] > 0 for row in rows)
    assert rows[1]['distances_apart'] == 0 and '| re-ranking' in capsys.readouterr().out
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match='--device cpu'):
            gpu.main(sizes)


def test_processes_are_timed_and_failures_are_told():
    wall, cpu = start_up.measure(['-c', 'sum(range(10**6))'])
    assert wall > 0 and 0 < cpu < 60
    with pytest.raises(RuntimeError, match='no_such_module'):
        start_up.measure(['-c', 'import no_such_module'])
