import numpy as np
import pytest
import torch

from reid_fusedloss.evaluation import ReIDMetric
from reid_fusedloss.evaluation.embeddings_file import SaveEmbeddings, load_features
from reid_fusedloss.functional import evaluate_ranking
from tests.evaluation.test_reid_metric import evaluate, records


def make_samples(num=24, camids=True, pid=int):
    rng = np.random.default_rng(0)
    return [
        dict(
            sample_idx=i,
            embedding=torch.from_numpy(rng.normal(size=5).astype(np.float32)),
            pid=pid(i % 4),
            camid=i % 3 if camids else None,
            is_query=i < 8,
        )
        for i in range(num)
    ]


def write(path, samples, batch=7):
    metric = SaveEmbeddings(str(path))
    for start in range(0, len(samples), batch):
        metric.process(None, samples[start : start + batch])
    assert metric.evaluate(len(samples)) == {}
    return load_features(path)


@pytest.mark.parametrize('pid', [int, 'vehicle_{}'.format])
def test_features_come_back_in_the_order_of_the_images(tmp_path, pid):
    samples = make_samples(pid=pid)
    features = write(tmp_path / 'new' / 'f.npz', samples[::-1] + samples[:3])
    stacked = np.stack([sample['embedding'].numpy() for sample in samples])
    np.testing.assert_array_equal(features.query, stacked[:8])
    np.testing.assert_array_equal(features.gallery, stacked[8:])
    assert features.gallery_pids.tolist() == [sample['pid'] for sample in samples[8:]]
    assert features.query_camids.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert sorted(path.name for path in (tmp_path / 'new').iterdir()) == ['f.npz']


def test_the_file_ranks_as_the_metric_does(tmp_path):
    samples = make_samples()
    metric = ReIDMetric(list_length=0)
    metric.process(None, samples)
    features = write(tmp_path / 'f.npz', samples)
    scores = evaluate_ranking(features.query, features.gallery, *features.labels)
    assert metric.evaluate(len(samples))['reid/mAP'] == pytest.approx(scores['mAP'], abs=1e-9)


def test_the_ranked_feature_is_the_one_written(tmp_path):
    samples = make_samples()
    for sample in samples:
        own = sample.pop('embedding')
        sample['embeddings'] = dict(bn=own, pooled=own[:2] + 9)
    assert write(tmp_path / 'f.npz', samples).query.shape == (8, 5)


def test_data_without_cameras_has_none_in_the_file(tmp_path):
    features = write(tmp_path / 'f.npz', make_samples(camids=False))
    assert features.labels[2:] == (None, None)
    assert evaluate_ranking(features.query, features.gallery, *features.labels)['mAP'] > 0


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"\.npz file, got 'f.npy'"):
        SaveEmbeddings('f.npy')
    some = make_samples()
    some[3]['camid'] = None
    with pytest.raises(ValueError, match='1 of 24 images have no camera'):
        write(tmp_path / 'f.npz', some)
    with pytest.raises(ValueError, match='8 query and 0 gallery'):
        write(tmp_path / 'f.npz', make_samples(8))
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_read_are_named(tmp_path):
    good = dict(
        query_f=np.ones((2, 3)),
        gallery_f=np.ones((4, 3)),
        query_label=np.arange(2),
        gallery_label=np.arange(4),
    )
    cases = {
        'lacks.npz': ({k: v for k, v in good.items() if k != 'gallery_f'}, r"lacks \['gallery_f'"),
        'half.npz': ({**good, 'query_cam': np.zeros(2)}, r"lacks \['gallery_cam'\]"),
        'short.npz': ({**good, 'query_label': np.arange(3)}, 'expected features'),
        'flat.npz': ({**good, 'query_f': np.ones(2)}, 'expected features'),
    }
    for name, (arrays, words) in cases.items():
        np.savez(tmp_path / name, **arrays)
        with pytest.raises(ValueError, match=words) as raised:
            load_features(tmp_path / name)
        assert name in str(raised.value)
    (tmp_path / 'text.npz').write_text('no features')
    np.save(tmp_path / 'one.npy', np.ones(3))
    for name, words in (('text.npz', 'not an .npz file'), ('one.npy', 'one array')):
        with pytest.raises(ValueError, match=words):
            load_features(tmp_path / name)
    np.savez(tmp_path / 'good.npz', **good)
    whole = (tmp_path / 'good.npz').read_bytes()
    torn = {'end': whole[:-40], 'entry': whole.replace(np.float64(1).tobytes(), b'12345678', 1)}
    for name, content in torn.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            load_features(tmp_path / name)
    with pytest.raises(FileNotFoundError, match='nowhere.npz: check the path'):
        load_features(tmp_path / 'nowhere.npz')


@pytest.mark.parametrize('shuffled', [False, True])
@pytest.mark.parametrize('kept', [3, 60])
def test_features_of_an_evaluation_that_broke_off_do_not_count(tmp_path, kept, shuffled):
    """They were another model's; nothing tells a metric alone that the next one begins."""
    samples = records()
    stale = [dict(sample, embedding=-3 * sample['embedding'] + 1) for sample in samples]
    order = np.random.default_rng(2).permutation(60) if shuffled else range(60)
    metric, file = ReIDMetric(), SaveEmbeddings(str(tmp_path / 'f.npz'))
    for part in (metric, file):
        part.process(None, stale[:kept])
    scores = evaluate(metric, [samples[i] for i in order])
    assert scores == evaluate(ReIDMetric(), samples)
    evaluate(file, [samples[i] for i in order])
    found = load_features(tmp_path / 'f.npz')
    expected = np.stack([sample['embedding'].numpy() for sample in samples])
    assert (np.concatenate([found.query, found.gallery]) == expected).all()


def test_images_of_another_data_set_are_refused_and_forgotten():
    samples = records()
    metric = ReIDMetric()
    metric.process(None, [dict(samples[0], sample_idx=99)])
    with pytest.raises(ValueError, match='61 different images were evaluated, .* has 60'):
        evaluate(metric, samples)
    assert evaluate(metric, samples) == evaluate(ReIDMetric(), samples)
