import numpy as np
import pytest

from reid_fusedloss.visualization import comparisons
from reid_fusedloss.visualization.comparisons import save_cmc, save_distances, save_open_set
from reid_fusedloss.visualization.pair_distances import pair_distances
from reid_fusedloss.visualization.panels import distinct_names
from tests.visualization.pictures import keep_figures, read, shows


def make_pairs(spread):
    rng = np.random.default_rng(0)
    pids = np.arange(60) % 6
    features = rng.normal(size=(6, 8))[pids] + spread * rng.normal(size=(60, 8))
    return pair_distances(features[:20], features[20:], pids[:20], pids[20:])


@pytest.fixture
def figure(monkeypatch):
    return keep_figures(monkeypatch, comparisons)


def test_distances_of_two_models_stand_side_by_side(tmp_path):
    models = {'baseline': make_pairs(1.0), 'fused $x$ ' + 'long_name_' * 9: make_pairs(0.4)}
    picture = read(save_distances(models, tmp_path / 'new' / 'out.png'))
    assert picture.shape == (510, 1060, 3)
    for half in (picture[:, :530], picture[:, 530:]):
        assert shows(half, '#0072B2') and shows(half, '#D55E00')


def test_distances_are_drawn_as_they_were_counted(tmp_path, figure):
    models = {'a': make_pairs(1.0), 'b': make_pairs(0.4)}
    save_distances(models, tmp_path / 'out.png')
    for axes, (name, pairs) in zip(figure[0].axes, models.items()):
        title = axes.get_title(loc='left')
        assert title == f'{name}\noverlap {pairs.overlap:.2f} %   EER {pairs.eer:.2f} %'
        drawn = [patch.get_data() for patch in axes.patches]
        np.testing.assert_array_equal(drawn[0].values, pairs.intra)
        np.testing.assert_array_equal(drawn[-1].values, pairs.inter)
        assert axes.get_xlabel() == 'cosine distance'
    assert figure[0].axes[0].get_ylim() == figure[0].axes[1].get_ylim()


def test_cmc_has_a_line_for_each_ranking(tmp_path, figure):
    curves = {'a': np.array([50.0, 70.0, 80.0]), 'b': np.array([60.0, 61.0, 62.0])}
    save_cmc(curves, tmp_path / 'out.png', notes={'b': 'mAP 12.3'})
    (axes,) = figure[0].axes
    assert [line.get_label() for line in axes.lines] == ['a   R1 50.0', 'b   R1 60.0   mAP 12.3']
    for line, curve in zip(axes.lines, curves.values()):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([[1, 2, 3], curve]))


def test_cmc_picture(tmp_path):
    curves = {f'model_$\\{i} {"x" * 50}': np.linspace(40 + i, 99, 30) for i in range(5)}
    picture = read(save_cmc(curves, tmp_path / 'out.png'))
    assert picture.shape[1] == 640 and shows(picture, '#0072B2') and shows(picture, '#E69F00')


def test_open_set_has_a_line_for_each_model(tmp_path, monkeypatch):
    curves = {
        'a': (np.array([0.01, 0.1, 1.0]), np.array([20.0, 50.0, 90.0])),
        'b $x$': (np.array([0.001, 1.0]), np.array([10.0, 80.0])),
    }
    notes = {'a': 'DIR 20.0 at FPIR 1 %'}
    picture = read(save_open_set(curves, tmp_path / 'out.png', notes=notes, caption='ten ' * 40))
    assert shows(picture, '#0072B2') and shows(picture, '#D55E00')
    figures = keep_figures(monkeypatch, comparisons)
    save_open_set(curves, tmp_path / 'out.png', notes=notes)
    (axes,) = figures[0].axes
    assert [line.get_label() for line in axes.lines] == ['a   DIR 20.0 at FPIR 1 %', 'b $x$']
    for line, (rates, found) in zip(axes.lines, curves.values()):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([100 * rates, found]))
    assert axes.get_xscale() == 'log'


def test_nothing_to_draw_is_said(tmp_path):
    for draw, given in (
        (save_distances, {}),
        (save_cmc, {}),
        (save_open_set, {}),
        (save_cmc, {'a': np.empty(0)}),
    ):
        with pytest.raises(ValueError, match='nothing to draw'):
            draw(given, tmp_path / 'out.png')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    'paths, names',
    [
        (['x/a.npz', 'x/b.npz'], ['a', 'b']),
        (['runs/a/e.pth', 'runs/b/e.pth'], ['a/e', 'b/e']),
        (['work/a/seed0', 'work/a/seed1'], ['seed0', 'seed1']),
        (['a.b/run.1'], ['run.1']),
    ],
)
def test_names_are_as_short_as_they_can_be(paths, names):
    assert distinct_names(paths) == names


def test_a_path_given_twice_is_refused():
    with pytest.raises(ValueError, match='given twice'):
        distinct_names(['a/b.npz', 'a/../a/b.npz'])
