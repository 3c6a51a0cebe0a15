import json

import numpy as np
import pytest

from reid_fusedloss.visualization import curves, load_scalars, save_curves
from reid_fusedloss.visualization.canvas import save_png
from tests.visualization.pictures import keep_figures


def train_line(step, epoch, loss=1.0, lr=1e-3, **terms):
    return {
        'lr': lr,
        'data_time': 0.1,
        'loss': loss,
        **terms,
        'time': 0.2,
        'epoch': epoch,
        'iter': step,
        'memory': 100,
        'step': step,
    }


def val_line(epoch, mean_ap, **others):
    return {'reid/mAP': mean_ap, **others, 'data_time': 0.1, 'time': 0.2, 'step': epoch}


def write(work_dir, timestamp, lines, tail=''):
    file = work_dir / timestamp / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    file.write_text(''.join(json.dumps(line) + '\n' for line in lines) + tail)
    return file


def full_run(work_dir):
    """Five epochs of 10 steps, loss 100 -> .02, evaluation after each."""
    lines = []
    for epoch in range(1, 6):
        for step in (epoch * 10 - 5, epoch * 10):
            lines.append(
                train_line(step, epoch, 100 * 0.84**step, loss_circle=step, loss_center=0.5)
            )
        lines.append(
            val_line(
                epoch,
                [10.0, 40.0, 30.0, 35.0, 20.0][epoch - 1],
                **{'reid/R1': 60.0 + epoch, 'rerank/mAP': 50.0 + epoch, 'rerank/mINP': 5.0},
            )
        )
    return write(work_dir, '20260101_000000', lines)


@pytest.fixture
def figure(monkeypatch):
    """The figures that save_curves draws."""
    return keep_figures(monkeypatch, curves)


def test_a_resumed_run_takes_over_from_its_first_step(tmp_path):
    write(
        tmp_path,
        '20260101_000000',
        [
            train_line(5, 1, 9.0),
            val_line(1, 10.0),
            train_line(10, 2, 8.0),
            val_line(2, 20.0),
            train_line(15, 3, 7.0),
            val_line(3, 30.0),
            train_line(20, 4, 6.0),
        ],
    )
    write(tmp_path, '20260102_000000', [train_line(10, 2, 88.0), val_line(2, 22.0)])
    scalars = load_scalars(tmp_path)
    assert [(r['step'], r['loss']) for r in scalars['train']] == [(5, 9.0), (10, 88.0)]
    assert [(r['step'], r['reid/mAP']) for r in scalars['val']] == [(1, 10.0), (2, 22.0)]


def test_files_are_read_in_the_order_of_their_timestamps(tmp_path):
    write(tmp_path, '20260102_000000', [train_line(10, 2, 2.0)])
    write(tmp_path, '20260101_000000', [train_line(5, 1, 1.0), train_line(10, 2, 9.0)])
    assert [r['loss'] for r in load_scalars(tmp_path)['train']] == [1.0, 2.0]


def lines_of(epochs, loss):
    """Two training lines and an evaluation in each epoch of 10 steps."""
    return [
        line
        for epoch in epochs
        for line in (
            train_line(epoch * 10 - 5, epoch, loss),
            train_line(epoch * 10, epoch, loss),
            val_line(epoch, loss),
        )
    ]


@pytest.mark.parametrize('times', [(1, 2, 3), (3, 1, 2), (2, 3, 1), (3, 2, 1), (2, 1, 3)])
def test_a_clock_that_was_set_back_loses_no_step(tmp_path, times):
    """A run of three starts: epochs 1 and 2, then from the checkpoint of 2 and of 4."""
    for day, (epochs, loss) in zip(
        times, ((range(1, 3), 1.0), (range(3, 5), 2.0), (range(5, 7), 3.0))
    ):
        write(tmp_path, f'2026010{day}_000000', lines_of(epochs, loss))
    scalars = load_scalars(tmp_path)
    assert [r['step'] for r in scalars['train']] == list(range(5, 61, 5))
    assert [r['loss'] for r in scalars['train']] == [1.0] * 4 + [2.0] * 4 + [3.0] * 4
    assert [(r['step'], r['reid/mAP']) for r in scalars['val']] == [
        (1, 1.0),
        (2, 1.0),
        (3, 2.0),
        (4, 2.0),
        (5, 3.0),
        (6, 3.0),
    ]


def test_steps_that_were_repeated_under_a_clock_set_back(tmp_path):
    """Killed in epoch 4, gone on from the checkpoint of epoch 2."""
    write(tmp_path, '20260102_000000', lines_of(range(1, 5), 1.0))
    write(tmp_path, '20260101_000000', lines_of(range(3, 7), 2.0))
    losses = [r['loss'] for r in load_scalars(tmp_path)['train']]
    assert losses == [1.0] * 4 + [2.0] * 8


def test_a_new_start_in_the_folder_takes_over(tmp_path):
    write(tmp_path, '20260101_000000', lines_of(range(1, 3), 1.0))
    write(tmp_path, '20260102_000000', lines_of(range(3, 5), 2.0))
    write(tmp_path, '20260103_000000', lines_of(range(1, 2), 3.0))
    assert [r['loss'] for r in load_scalars(tmp_path)['train']] == [3.0, 3.0]


def test_a_run_whose_first_start_is_gone(tmp_path):
    write(tmp_path, '20260102_000000', lines_of(range(3, 5), 1.0))
    write(tmp_path, '20260101_000000', lines_of(range(9, 10), 2.0))
    assert [r['step'] for r in load_scalars(tmp_path)['train']] == [25, 30, 35, 40, 85, 90]


def test_an_evaluation_alone_discards_nothing_and_metrics_of_a_step_are_joined(tmp_path):
    write(tmp_path, '20260101_000000', [train_line(5, 1), val_line(1, 10.0)])
    write(tmp_path, '20260102_000000', [{'rerank/mAP': 30.0, 'step': 1}, val_line(1, 11.0)])
    scalars = load_scalars(tmp_path)
    assert len(scalars['train']) == 1
    assert [(r['reid/mAP'], r['rerank/mAP']) for r in scalars['val']] == [(11.0, 30.0)]


@pytest.mark.parametrize(
    'place',
    ['.', '20260101_000000', '20260101_000000/vis_data', '20260101_000000/vis_data/scalars.json'],
)
def test_run_is_found_from_any_of_its_directories(tmp_path, place):
    full_run(tmp_path)
    assert len(load_scalars(tmp_path / place)['train']) == 10


def test_truncated_last_line_is_left_out(tmp_path):
    file = write(tmp_path, 't', [train_line(5, 1)], tail='{"lr": 0.001, "los')
    assert [r['step'] for r in load_scalars(file)['train']] == [5]


def test_malformed_line_in_the_middle_is_named(tmp_path):
    file = write(tmp_path, 't', [train_line(5, 1)])
    file.write_text('{"lr": 0.\n' + file.read_text())
    with pytest.raises(ValueError, match=r'scalars\.json, line 1 '):
        load_scalars(file)


@pytest.mark.parametrize('line', ['[1, 2]', '{"loss": 1.0}', '{"loss": 1.0, "step": "a"}'])
def test_line_without_a_step_is_named(tmp_path, line):
    file = write(tmp_path, 't', [], tail=line + '\n')
    with pytest.raises(ValueError, match="line 1 is not a record with an integer 'step'"):
        load_scalars(file)


@pytest.mark.parametrize('tail', ['', '\n', '{"lr": 0.1, "lo'])
def test_empty_file_is_a_value_error_with_its_path(tmp_path, tail):
    file = write(tmp_path, 't', [], tail=tail)
    with pytest.raises(ValueError, match=f'{file} holds no scalars'):
        load_scalars(file)


def test_missing_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='no scalars.json'):
        load_scalars(tmp_path / 'nowhere')


def test_what_mmengine_writes_is_what_is_read(tmp_path):
    backends = pytest.importorskip('mmengine.visualization')
    backend = backends.LocalVisBackend(str(tmp_path / 't' / 'vis_data'))
    backend.add_scalars(
        {'lr': 0.1, 'loss': 2.0, 'epoch': 1, 'iter': 20}, step=20, file_path='t.json'
    )
    backend.add_scalars({'reid/mAP': 50.0}, step=1, file_path='t.json')
    scalars = load_scalars(tmp_path)
    assert scalars['train'] == [{'lr': 0.1, 'loss': 2.0, 'epoch': 1, 'iter': 20, 'step': 20}]
    assert scalars['val'] == [{'reid/mAP': 50.0, 'step': 1}]


def test_loss_panel_draws_total_and_terms_over_epochs_on_a_log_scale(tmp_path, figure):
    full_run(tmp_path)
    save_curves(tmp_path, tmp_path / 'out.png')
    axes = figure[0].axes[0]
    assert [text.get_text().split()[0] for text in axes.get_legend().texts] == [
        'total',
        'circle',
        'center',
    ]
    assert axes.get_yscale() == 'log'
    raw_total, circle = axes.lines[0], axes.lines[2]
    np.testing.assert_allclose(raw_total.get_xdata(), np.arange(1, 11) / 2)
    np.testing.assert_allclose(circle.get_ydata(), np.arange(5, 55, 5))


def test_loss_within_two_decades_stays_linear_and_a_lone_term_is_not_drawn_twice(tmp_path, figure):
    lines = [train_line(s, 1, loss, loss_ce=loss) for s, loss in ((1, 99.0), (2, 1.0))]
    save_curves(write(tmp_path, 't', lines), tmp_path / 'out.png')
    axes = figure[0].axes[0]
    assert axes.get_yscale() == 'linear'
    assert [text.get_text().split()[0] for text in axes.get_legend().texts] == ['total']


def test_learning_rate_is_drawn_over_epochs(tmp_path, figure):
    lines = [train_line(s, (s - 1) // 4 + 1, lr=0.1 if s <= 4 else 0.05) for s in (2, 4, 6, 8)]
    save_curves(write(tmp_path, 't', lines), tmp_path / 'out.png')
    line = figure[0].axes[1].lines[0]
    np.testing.assert_allclose(line.get_xydata(), [[0.5, 0.1], [1, 0.1], [1.5, 0.05], [2, 0.05]])


def test_metrics_share_a_colour_and_re_ranked_ones_are_dashed(tmp_path, figure):
    full_run(tmp_path)
    save_curves(tmp_path, tmp_path / 'out.png')
    axes = figure[0].axes[2]
    drawn = [
        line for line in axes.lines if line.get_linestyle() != 'None' and len(line.get_xdata()) == 5
    ]
    by_values = {tuple(line.get_ydata()): line for line in drawn}
    plain, reranked = (
        by_values[10.0, 40.0, 30.0, 35.0, 20.0],
        by_values[51.0, 52.0, 53.0, 54.0, 55.0],
    )
    assert (plain.get_linestyle(), reranked.get_linestyle()) == ('-', '--')
    assert plain.get_color() == reranked.get_color()
    assert len({line.get_color() for line in drawn}) == 3
    texts = [text.get_text() for text in axes.texts]
    assert 'reid/mAP 20.0\nbest 40.0 @ 2' in texts
    assert 'rerank/mAP 55.0\nbest 55.0 @ 5' in texts


def test_of_several_data_sets_the_map_of_each_is_dotted(tmp_path, figure):
    sets = {'a/reid/mAP': 10.0, 'b/reid/mAP': 30.0, 'a/reid/R1': 50.0, 'reid/R1': 60.0}
    write(tmp_path, '20260101_000000', [val_line(1, 20.0, **sets), val_line(2, 25.0, **sets)])
    save_curves(tmp_path, tmp_path / 'out.png')
    drawn = [line for line in figure[0].axes[2].lines if line.get_linestyle() != 'None']
    styles = {tuple(line.get_ydata()): line.get_linestyle() for line in drawn}
    assert styles == {(20, 25): '-', (60, 60): '-', (10, 10): ':', (30, 30): ':'}


def test_end_labels_never_touch(tmp_path, figure):
    lines = [
        train_line(1, 1),
        val_line(
            1,
            50.0,
            **{
                'reid/R1': 50.1,
                'reid/mINP': 0.0,
                'rerank/mAP': 50.2,
                'rerank/R1': 50.0,
                'rerank/mINP': 0.0,
            },
        ),
    ]
    save_curves(write(tmp_path, 't', lines), tmp_path / 'out.png')
    figure[0].draw_without_rendering()
    boxes = sorted(
        (text.get_window_extent() for text in figure[0].axes[2].texts), key=lambda box: box.y0
    )
    assert len(boxes) == 6
    assert all(low.y1 <= high.y0 for low, high in zip(boxes, boxes[1:]))
    assert all(box.x1 <= figure[0].bbox.x1 for box in boxes)


def test_run_without_evaluation_says_so(tmp_path, figure):
    save_curves(write(tmp_path, 't', [train_line(1, 1)]), tmp_path / 'out.png')
    assert [text.get_text() for text in figure[0].axes[2].texts] == ['no evaluation yet']


def test_evaluation_without_training_says_so(tmp_path, figure):
    save_curves(write(tmp_path, 't', [val_line(1, 10.0)]), tmp_path / 'out.png')
    assert [text.get_text() for text in figure[0].axes[0].texts] == ['no training line yet']
    assert figure[0].axes[2].lines


def test_nan_and_zero_losses_are_drawn(tmp_path, figure):
    lines = [
        train_line(s, 1, loss, loss_a=0.0, loss_b=0.1)
        for s, loss in enumerate((1000.0, float('nan'), 1.0), 1)
    ]
    save_curves(write(tmp_path, 't', lines), tmp_path / 'out.png')
    smoothed = figure[0].axes[0].lines[1].get_ydata()
    np.testing.assert_array_equal(np.isfinite(smoothed), [True, False, True])


def test_smoothing_is_a_centred_mean_blind_to_nan():
    y = np.arange(150.0)
    y[75] = np.nan
    smooth = curves.running_mean(y)
    assert smooth[0] == 0.5 and smooth[40] == 40.0 and smooth[74] == 73.5
    assert np.isnan(smooth[75])


def test_picture_is_a_png_of_1200_pixels_and_replaces_an_older_one(tmp_path):
    full_run(tmp_path)
    out = tmp_path / 'new' / 'curves.png'
    for _ in range(2):
        assert save_curves(tmp_path, out) == out
    data = out.read_bytes()
    assert data[:8] == b'\x89PNG\r\n\x1a\n'
    assert int.from_bytes(data[16:20], 'big') == 1200
    assert [path.name for path in out.parent.iterdir()] == ['curves.png']


def test_failed_write_keeps_the_old_picture(tmp_path, monkeypatch):
    out = tmp_path / 'a.png'
    out.write_bytes(b'old')

    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr('reid_fusedloss.whole_file.os.replace', fail)
    with pytest.raises(OSError, match='disk full'):
        save_png(np.zeros((4, 4, 3), np.uint8), out)
    assert out.read_bytes() == b'old'
    assert [path.name for path in tmp_path.iterdir()] == ['a.png']
