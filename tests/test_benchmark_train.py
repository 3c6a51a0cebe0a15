"""tools/benchmark/train_speed.py at a tiny size: what it compares is the same work."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.oracles import losses as oracle

FOLDER = Path(__file__).resolve().parents[1] / 'tools' / 'benchmark'
sys.path.insert(0, str(FOLDER))

import peers  # noqa: E402
import rounds  # noqa: E402
import train_data  # noqa: E402
import train_loops  # noqa: E402
import train_losses  # noqa: E402
import train_networks  # noqa: E402
import train_speed  # noqa: E402

CPU = torch.device('cpu')
TINY = ['--network', 'tiny', '--iterations', '2', '--rounds', '2']


def run(tmp_path, *arguments):
    """The tables that a run writes."""
    path = tmp_path / 'results.json'
    train_speed.main([*arguments, '--json', str(path)])
    return json.loads(path.read_text())['tables']


@pytest.fixture
def torchreid(tmp_path):
    """A checkout with torchreid's folders: a triplet loss and transforms of known results."""
    for folder in ('losses', 'data'):
        (tmp_path / 'torchreid' / folder).mkdir(parents=True)
    (tmp_path / 'torchreid' / 'losses' / 'hard_mine_triplet_loss.py').write_text(
        'def TripletLoss(margin):\n    return lambda features, labels: margin * features.sum()\n'
    )
    (tmp_path / 'torchreid' / 'data' / 'transforms.py').write_text(
        'import torch\n\n'
        'def build_transforms(height, width, transforms):\n'
        '    print("noise")\n'
        '    size = (3, height, width)\n'
        '    return lambda image: torch.full(size, float(image.getpixel((0, 0))[0])), None\n'
    )
    return peers.Peer.find(tmp_path)


@pytest.fixture(scope='module')
def loops(tmp_path_factory):
    """A Runner and a bare loop over the same two batches, each from the weights it stood at."""
    cfg = train_networks.read_config(
        train_networks.NETWORKS['tiny'], tmp_path_factory.mktemp('runner')
    )
    loader = train_networks.MemoryLoader(train_networks.NETWORKS['tiny'], 2)
    return cfg, loader, train_loops.start_runner(cfg, loader)


@pytest.mark.slow
def test_losses_are_timed_in_every_round(tmp_path, capsys):
    (table,) = run(tmp_path, 'losses', '--sizes', '8', '--ids', '5', '--dim', '16', '--rounds', '3')
    assert list(table) == [
        'triplet.8',
        'circle.8',
        'class.8.5',
        'matrix product.class.8.5',
        'center.8.5',
        'all distances.center.8.5',
    ]
    assert {len(entry['seconds']) for entry in table.values()} == {3}
    ours, product = table['class.8.5'], table['matrix product.class.8.5']
    assert product['ratio'] == pytest.approx(product['min'] / ours['min'])
    assert 'losses, 8 samples, C = 16' in capsys.readouterr().out


def test_dense_center_loss_is_the_oracles():
    features, labels, rows = oracle.fixture()
    expected = oracle.center(features, labels.tolist(), rows)
    masked = 1e-12 * (rows.shape[0] - 1)  # what the clamp makes of each other class
    assert train_losses.dense_center_loss(features, labels, rows) == pytest.approx(
        expected.item() + masked, rel=1e-12
    )


@pytest.mark.parametrize(
    'num_classes, expected',
    [(1000, [0] * 4 + [500] * 4), (2, [0] * 4 + [1] * 4), (None, [0] * 4 + [1] * 4)],
)
def test_cases_draw_identities_of_four_within_their_classes(num_classes, expected):
    seen = []

    def loss(features, labels, *rows):
        seen.append(labels.tolist())
        return features.sum() + sum(row.sum() for row in rows)

    train_losses.Case('name', 'title', 8, lambda: loss, num_classes).prepare(16, CPU)()
    assert seen == [expected]


def test_a_peers_loss_is_run(torchreid):
    (case,) = [
        case
        for case in train_losses.loss_cases([8], [], 16, [torchreid])
        if case.name == 'torchreid.triplet.8'
    ]
    features = torch.ones(8, 16, requires_grad=True)
    assert case.build()(features, torch.arange(8)).item() == pytest.approx(0.3 * 128)
    assert case.reference == 'triplet.8'


@pytest.mark.slow
def test_runner_and_bare_loop_do_the_same(loops):
    cfg, loader, runner = loops
    bare = train_loops.BareLoop(cfg, runner.model, loader, CPU)
    for group in bare.optimizer.param_groups:
        group['lr'] = 0.0
    expected = []
    for batch in loader:
        data = runner.model.data_preprocessor(batch, True)
        losses = runner.model(**data, mode='loss')
        assert set(losses) == {'loss_circle', 'loss_triplet', 'loss_center'}
        expected.append(sum(losses.values()).item())
    assert [loss.item() for loss in bare.run_epoch()] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_spans_of_an_iteration_add_up(loops):
    _, loader, runner = loops
    before = {name: value.clone() for name, value in runner.model.named_parameters()}
    spans = train_loops.time_spans(runner, loader, CPU)
    assert tuple(spans) == train_loops.SPANS and min(spans.values()) > 0
    assert spans['forward'] > spans['data']
    assert any(
        not torch.equal(value, before[name]) for name, value in runner.model.named_parameters()
    )
    assert 'backward' not in vars(runner.optim_wrapper)


@pytest.mark.slow
def test_runner_part(tmp_path, capsys):
    (table,) = run(tmp_path, 'runner', *TINY)
    assert table['runner']['ratio'] == pytest.approx(table['runner']['min'] / table['bare']['min'])
    assert table['bare']['images'] == 16
    assert 'batches in memory' in capsys.readouterr().out


@pytest.mark.slow
def test_keys_part(tmp_path):
    (table,) = run(tmp_path, 'keys', *TINY, '--batch', '12', '--keys', 'bfloat16 channels-last')
    assert list(table) == ['float32', 'bfloat16 channels-last']
    assert table['float32']['images'] == 2 * 12
    assert table['bfloat16 channels-last']['ratio'] > 0


@pytest.mark.slow
def test_data_part(tmp_path, torchreid):
    folder = tmp_path / 'images'
    folder.mkdir()
    for number in range(6):
        image = np.full((40, 30, 3), number, np.uint8)
        cv2.imwrite(str(folder / f'car_{number // 2}_cam{number % 2}.png'), image)
    target = dict(
        data_root=str(tmp_path),
        pattern=r'(?P<pid>car_\d+)_cam(?P<camid>\d+)',
        sources=dict(train='images', query='images', gallery='images'),
    )
    config = tmp_path / 'cars.py'
    base = Path(train_networks.CONFIGS, '_base_', 'datasets', 'reid.py')
    config.write_text(
        f'_base_ = {str(base)!r}\n'
        f"train_dataloader = dict(dataset=dict(type='reid_fusedloss.ReIDDataset', "
        f'**{target!r}))\n'
    )
    tables = run(
        tmp_path,
        'data',
        '--dataset',
        str(config),
        '--images',
        '3',
        '--rounds',
        '2',
        '--workers',
        '0',
        '--peer',
        str(torchreid.path),
    )
    assert [entry['images'] for entry in tables[0].values()] == [3, 3, 3, 3]
    pipelines = train_data.Pipelines(str(config), 3, 0)
    assert pipelines.image == (256, 128)
    assert [Path(path).stem for path in pipelines.paths] == [
        'car_0_cam0',
        'car_1_cam0',
        'car_2_cam0',
    ]
    assert train_data.PILDataset(pipelines.paths, np.asarray)[1].tolist()[0][0] == [2, 2, 2]


def test_rounds_go_back_and_forth():
    order = []
    timings = {name: rounds.Timing(name, 'a') for name in 'ab'}
    rounds.run_rounds({name: lambda name=name: order.append(name) for name in 'ab'}, timings, 2)
    assert ''.join(order) == 'ab' + 'ba'
    assert [len(timing.seconds) for timing in timings.values()] == [2, 2]


def test_ratios():
    slow, fast = rounds.Timing('slow', 'fast'), rounds.Timing('fast')
    slow.seconds, fast.seconds = [2.0, 9.0, 6.0], [1.0, 3.0, 4.0]
    assert slow.ratio(dict(fast=fast)) == (2.0, 2.0)
    assert rounds.cells(slow, dict(fast=fast), 1.0) == ('2', '6', '2', '2')
    assert rounds.cells(rounds.Timing('none'), {}) == ('-', '-', '-', '-')


def test_what_does_not_fit_into_memory_is_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_speed, 'available_memory', lambda: 2**20)
    (table,) = run(tmp_path, 'losses', '--sizes', '8', '--only', 'triplet')
    assert table['triplet.8']['seconds'] == [] and 'needs about' in capsys.readouterr().out


def test_mistakes_on_the_command_line():
    with pytest.raises(SystemExit):
        train_speed.main(['loses'])
    with pytest.raises(FileNotFoundError, match='nowhere'):
        train_speed.main(['losses', '--json', 'nowhere/results.json'])
    with pytest.raises(ValueError, match='KaiyangZhou/deep-person-reid'):
        train_speed.main(['losses', '--peer', str(FOLDER)])
