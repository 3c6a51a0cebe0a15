import json

import numpy as np
import pytest

from reid_fusedloss.visualization import run_curves
from reid_fusedloss.visualization.run_curves import save_run_curves
from tests.visualization.pictures import keep_figures, read, shows


def write_run(folder, scale=1.0, scores=(10.0, 40.0, 30.0), epoch=True):
    """Three epochs of ten steps, evaluated after each."""
    lines = []
    for number, score in enumerate(scores, 1):
        for step in (10 * number - 5, 10 * number):
            lines.append(
                {
                    'loss': scale * 0.9**step,
                    'lr': 0.1,
                    'step': step,
                    **({'epoch': number} if epoch else {}),
                }
            )
        if score is not None:
            lines.append(
                {'rerank/mAP': 99.0, 'reid/mAP': score, 'reid/R1': score + 20, 'step': number}
            )
    file = folder / 't' / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    file.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return folder


@pytest.fixture
def figure(monkeypatch):
    return keep_figures(monkeypatch, run_curves)


def test_every_run_has_a_line_in_every_panel(tmp_path, figure):
    runs = {'a': write_run(tmp_path / 'a'), 'b': write_run(tmp_path / 'b', 50.0, (1.0, 2.0, 3.0))}
    save_run_curves(runs, tmp_path / 'out.png')
    loss, mean_ap, rank1 = figure[0].axes
    assert [line.get_label() for line in loss.lines] == ['a', 'b']
    np.testing.assert_allclose(loss.lines[0].get_xdata(), np.arange(1, 7) / 2)
    np.testing.assert_allclose(loss.lines[1].get_ydata(), 50 * 0.9 ** np.arange(5.0, 31, 5))
    assert loss.get_yscale() == 'log'
    values = [line.get_ydata().tolist() for line in mean_ap.lines]
    assert values == [[10.0, 40.0, 30.0], [40.0], [1.0, 2.0, 3.0], [3.0]]  # a curve, then its best
    assert rank1.lines[0].get_ydata().tolist() == [30.0, 60.0, 50.0]
    assert loss.lines[0].get_color() == mean_ap.lines[0].get_color() != loss.lines[1].get_color()


def test_a_run_without_evaluation_and_one_without_epochs(tmp_path, figure):
    runs = {
        'a': write_run(tmp_path / 'a', scores=(None, None)),
        'b': write_run(tmp_path / 'b', scores=(None,), epoch=False),
    }
    save_run_curves(runs, tmp_path / 'out.png')
    loss, mean_ap, _ = figure[0].axes
    assert loss.get_xlabel() == 'step'
    assert [text.get_text() for text in mean_ap.texts] == ['no evaluation yet']


def test_picture(tmp_path):
    runs = {
        f'run_$x_{i} {"long_name_" * 3}': write_run(tmp_path / str(i), 1.0 + i) for i in range(7)
    }
    picture = read(save_run_curves(runs, tmp_path / 'new' / 'out.png'))
    assert picture.shape == (490, 1360, 3)
    assert shows(picture, '#0072B2') and shows(picture, '#222222')


def test_missing_runs_are_said(tmp_path):
    with pytest.raises(FileNotFoundError, match='no scalars.json'):
        save_run_curves({'a': tmp_path}, tmp_path / 'out.png')
    with pytest.raises(ValueError, match='there is no run'):
        save_run_curves({}, tmp_path / 'out.png')
