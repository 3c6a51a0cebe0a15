"""tools/plot.py and tools/visualize_ranking.py, called as a user does, in this process."""

import json

import numpy as np
import pytest
import torch
from mmengine.runner import Runner

from reid_fusedloss.evaluation.embeddings_file import load_features
from reid_fusedloss.functional import evaluate_ranking
from tests.calling import call
from tests.tiny import tiny_config
from tests.visualization.pictures import read


@pytest.fixture(scope='module')
def tested(tmp_path_factory):
    """A tiny untrained model: (folder with tiny.py and a.pth, test's work_dir, scores)."""
    folder = tmp_path_factory.mktemp('plot')
    cfg = tiny_config(folder / 'data', folder / 'test')
    cfg.model.backbone.init_cfg = None
    cfg.experiment_name = 'plot_tools'
    runner = Runner.from_cfg(cfg)
    scores = runner.test()
    torch.save(dict(state_dict=runner.model.state_dict(), meta={}), folder / 'a.pth')
    cfg.pop('work_dir')
    cfg.pop('experiment_name')
    cfg.dump(folder / 'tiny.py')
    return folder, scores


def test_features_of_a_checkpoint_are_those_of_its_test(tested, monkeypatch, capsys):
    folder, scores = tested
    monkeypatch.chdir(folder)
    call(monkeypatch, 'plot', 'distances', 'tiny.py', 'a.pth')
    features = load_features(folder / 'features' / 'a.npz')
    found = evaluate_ranking(features.query, features.gallery, *features.labels)
    assert found['mAP'] == pytest.approx(scores['reid/mAP'], abs=1e-6)
    assert not (folder / 'features' / 'scores.json').exists()
    output = capsys.readouterr().out
    assert 'a: overlap' in output and 'drawn: distances.png' in output
    assert read(folder / 'distances.png').shape[1] == 560


@pytest.fixture
def features(tmp_path):
    rng = np.random.default_rng(0)
    pids = np.arange(40) % 5
    for name in ('a', 'b'):
        values = (rng.normal(size=(5, 6))[pids] + 0.5 * rng.normal(size=(40, 6))).astype(np.float32)
        np.savez(
            tmp_path / f'{name}.npz',
            query_f=values[:10],
            query_label=pids[:10],
            query_cam=np.zeros(10, int),
            gallery_f=values[10:],
            gallery_label=pids[10:],
            gallery_cam=np.ones(30, int),
        )
    return tmp_path


@pytest.mark.parametrize(
    'command, arguments',
    [
        ('distances', ['--distance', 'euclidean', '--names', 'baseline', 'fused']),
        ('cmc', ['--max-rank', '30', '--rerank']),
        ('embedding', ['--num-ids', '3']),
        ('open-set', ['--strangers', '.4', '--trials', '3', '--seed', '1']),
        ('embedding', ['--ids', '4', '0']),
    ],
)
def test_pictures_of_feature_files(features, monkeypatch, command, arguments):
    out = features / 'out.png'
    call(
        monkeypatch,
        'plot',
        command,
        features / 'a.npz',
        features / 'b.npz',
        '--out',
        out,
        *arguments,
    )
    assert read(out).shape[1] > 600


@pytest.mark.parametrize(
    'arguments, error, words',
    [
        (['cmc', 'none.npz'], FileNotFoundError, 'none.npz'),
        (['cmc', 'tiny.py'], ValueError, 'tiny.py must be an .npz file'),
        (['cmc', 'a.pth', 'tiny.py'], ValueError, 'a.pth must be an .npz file'),
        (['cmc', 'a.npz', '--names', 'x', 'y'], ValueError, '1 different names'),
        (['embedding', 'a.npz', '--ids', '77'], ValueError, '77'),
        (['open-set', 'a.npz', '--strangers', '0'], ValueError, '0 queries of strangers and 10'),
        (['open-set', 'a.npz', '--strangers', '2'], ValueError, 'below 1, got 2'),
        (['figure2', '--root', 'nowhere'], FileNotFoundError, 'nowhere'),
    ],
)
def test_mistakes(features, monkeypatch, arguments, error, words):
    monkeypatch.chdir(features)
    with pytest.raises(error, match=words):
        call(monkeypatch, 'plot', *arguments)
    assert not list(features.glob('*.png'))


def test_curves_of_one_run_and_of_two(tmp_path, monkeypatch):
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        lines = [dict(loss=1 / step, lr=0.1, step=step, epoch=step) for step in (1, 2, 3)]
        (tmp_path / name / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)))
    call(monkeypatch, 'plot', 'curves', tmp_path / 'a', '--out', tmp_path / 'one.png')
    call(
        monkeypatch, 'plot', 'curves', tmp_path / 'a', tmp_path / 'b', '--out', tmp_path / 'two.png'
    )
    assert read(tmp_path / 'one.png').shape[1] == 1200
    assert read(tmp_path / 'two.png').shape[1] == 1360


def test_figure2_of_no_run_shows_the_papers(tmp_path, monkeypatch):
    call(monkeypatch, 'plot', 'figure2', '--root', tmp_path, '--out', tmp_path / 'out.png')
    assert read(tmp_path / 'out.png').shape[1] == 1040


def test_ranking_of_two_tests(tested, tmp_path, monkeypatch):
    folder, _ = tested
    lists = folder / 'test' / 'ranking_lists'
    call(
        monkeypatch,
        'visualize_ranking',
        folder / 'test',
        lists / 'rerank.json',
        tmp_path / 'out.png',
        '--order',
        'spread',
        '--topk',
        '4',
        '--num-queries',
        '2',
        '--names',
        'plain',
        're-ranked',
    )
    assert read(tmp_path / 'out.png').shape[1] >= 900
    with pytest.raises(FileNotFoundError, match='run `reid-fusedloss test`'):
        call(monkeypatch, 'visualize_ranking', folder / 'test', tmp_path, tmp_path / 'out.png')
