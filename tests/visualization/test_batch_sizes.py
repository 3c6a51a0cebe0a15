import json

import numpy as np
import pytest

from reid_fusedloss.visualization import batch_sizes
from reid_fusedloss.visualization.batch_sizes import read_panels, read_scores, save_batch_sizes
from tests.conftest import REPOSITORY
from tests.visualization.pictures import read, shows

METAFILE = REPOSITORY / 'configs' / 'paper' / 'metafile.yml'
SIZES = ['4x6', '4x8', '6x8', '8x8', '4x16', '6x16', '8x16']
PAPER_R1 = {
    'Market-1501': [93.8, 94.5, 94.8, 95.2, 95.7, 95.3, 95.5],  # table 6
    'DukeMTMC-reID': [89.7, 90.4, 90.7, 91.0, 91.6, 90.3, 91.5],
}


def write_scores(root, place, rank1=50.0, where='test', **others):
    folder = root / place / where
    folder.mkdir(parents=True, exist_ok=True)
    scores = {'reid/R1': 1.0, 'rerank/R1': rank1, 'rerank/mAP': rank1 - 10, **others}
    (folder / 'scores.json').write_text(json.dumps(scores))


@pytest.fixture
def root(tmp_path):
    for seed, rank1 in enumerate((50.0, 56.0, 53.0)):
        write_scores(tmp_path, f'market1501_cpu_market/table6/k4_p6/seed{seed}', rank1)
    write_scores(tmp_path, 'market1501_cpu_market/table6/k8_p8/seed0', 60.0)
    write_scores(tmp_path, 'market1501_cpu_market/table2/k4_p8/seed0', 99.0)
    write_scores(tmp_path, 'vehicle_reid/table6/k4_p16/seed0', 70.0)
    (tmp_path / 'notes').mkdir()
    return tmp_path


def test_final_scores_are_those_of_the_test(tmp_path):
    write_scores(tmp_path, 'row/seed0', 1.0, where='')
    write_scores(tmp_path, 'row/seed1', 2.0, where='')
    write_scores(tmp_path, 'row/seed1', 3.0)
    write_scores(tmp_path, 'row/seed2', 4.0, where='test_last')
    write_scores(tmp_path, 'row/seed2', 5.0)
    (tmp_path / 'row' / 'seed3').mkdir()
    assert [scores['rerank/R1'] for scores in read_scores(tmp_path / 'row')] == [1.0, 3.0, 4.0]
    assert read_scores(tmp_path / 'no row') == []
    (tmp_path / 'row' / 'seed0' / 'scores.json').write_text('{')
    with pytest.raises(ValueError, match='scores.json is not valid JSON'):
        read_scores(tmp_path / 'row')


def test_panels_are_the_papers_data_sets_then_others(root):
    sizes, panels = read_panels(root, METAFILE)
    assert sizes == SIZES
    assert [panel.title for panel in panels] == [
        'Market-1501, ours with budget cpu_market',
        'DukeMTMC-reID',
        'vehicle_reid',
    ]
    assert panels[0].paper['R1'] == PAPER_R1['Market-1501']
    assert panels[1].paper['R1'] == PAPER_R1['DukeMTMC-reID']
    assert panels[0].ours['R1'] == [[50.0, 56.0, 53.0], [], [], [60.0], [], [], []]
    assert panels[0].ours['mAP'][0] == [40.0, 46.0, 43.0]
    assert not any(panels[1].ours['R1']) and panels[2].paper['mAP'] == [None] * 7


def test_scores_that_are_not_re_ranked_do_not_count(tmp_path):
    folder = tmp_path / 'dukemtmc' / 'table6' / 'k4_p6' / 'seed0'
    folder.mkdir(parents=True)
    (folder / 'scores.json').write_text('{"reid/R1": 90.0, "reid/mAP": 80.0}')
    assert read_panels(tmp_path, METAFILE)[1][1].ours['R1'] == [[]] * 7


def test_points_not_run_are_absent_and_named(root, tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(
        batch_sizes,
        'figure_to_array',
        lambda drawn: figures.append(drawn) or np.zeros((2, 2, 3), np.uint8),
    )
    save_batch_sizes(*read_panels(root, METAFILE), tmp_path / 'out.png')
    market, duke, vehicles = figures[0].axes
    assert [tick.get_text() for tick in market.get_xticklabels()] == SIZES
    ours = {bar.get_label(): bar[0].get_ydata() for bar in market.containers}
    np.testing.assert_allclose(ours['R1, ours'], [53, *[np.nan] * 2, 60, *[np.nan] * 3])
    span = market.containers[0][2][0].get_segments()[0]
    assert span[:, 1].tolist() == [50.0, 56.0]
    assert not duke.containers and len(vehicles.containers) == 2
    caption = ' '.join(figures[0].get_supxlabel().split())
    assert 'budget cpu_market: seeds: 1 or 3; not run: 4x8, 6x8, 4x16, 6x16, 8x16.' in caption
    assert 'DukeMTMC-reID: not run.' in caption


def test_picture(root, tmp_path):
    picture = read(save_batch_sizes(*read_panels(root, METAFILE), tmp_path / 'out.png'))
    assert picture.shape == (530, 1560, 3)
    for third in np.split(picture, 3, axis=1):
        assert shows(third, '#0072B2') and shows(third, '#D55E00')


def test_mistakes_are_said(tmp_path):
    with pytest.raises(FileNotFoundError, match='no folder .*nowhere'):
        read_panels(tmp_path / 'nowhere', METAFILE)
    with pytest.raises(FileNotFoundError, match='no metafile at .*meta.yml'):
        read_panels(tmp_path, tmp_path / 'meta.yml')
    (tmp_path / 'meta.yml').write_text('Models: []')
    with pytest.raises(ValueError, match='no row of table6'):
        read_panels(tmp_path, tmp_path / 'meta.yml')
    with pytest.raises(ValueError, match='there is no panel'):
        save_batch_sizes(SIZES, [], tmp_path / 'out.png')
