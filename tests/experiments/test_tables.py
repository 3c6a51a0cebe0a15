"""Tables from hand-made work_dirs with known figures."""

import csv
import io
import json

import pytest

from reid_fusedloss.experiments import csv_text, markdown, read_outcome, read_paper
from reid_fusedloss.experiments.order import Pair
from tests.experiments.fake import write_checkpoint
from tests.tiny import REPOSITORY

METAFILES = [REPOSITORY / 'configs' / name / 'metafile.yml' for name in ('peers', 'paper')]
CONFIG = """
randomness = dict(seed={seed})
train_cfg = dict(by_epoch=True, max_epochs={epochs})
model = dict(backbone=dict(type='ResNet', depth=18, base_channels=32))
optim_wrapper = dict(type='{wrapper}')
test_dataloader = dict(dataset=dict(pipeline=dict(
    load=dict(type='Load'), resize=dict(type='Resize', scale=(64, 128)))))
load_from = {checkpoint!r}
"""


def write_config(folder, seed=0, epochs=12, checkpoint=None, wrapper='OptimWrapper'):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'row.py').write_text(
        CONFIG.format(seed=seed, epochs=epochs, checkpoint=checkpoint, wrapper=wrapper)
    )


def write_test(
    work_dir, r1, mean_ap, seed=0, checkpoint='epoch_12.pth', name='test_last', rerank=None, **keys
):
    """A training and the test of its checkpoint, with R1 and mAP, and re-ranked."""
    write_config(work_dir, seed, **keys)
    write_config(work_dir / name, seed, checkpoint=f'/anywhere/{checkpoint}', **keys)
    scores = {'reid/R1': r1, 'reid/mAP': mean_ap}
    if rerank:
        scores |= {'rerank/R1': rerank[0], 'rerank/mAP': rerank[1]}
    (work_dir / name / 'scores.json').write_text(json.dumps(scores))


def write_training(work_dir, evaluations, last=0, seed=0):
    """A training without a test: evaluations as (epoch, R1, mAP), epoch of the last checkpoint."""
    write_config(work_dir, seed)
    (work_dir / '20260101_000000' / 'vis_data').mkdir(parents=True)
    lines = [
        json.dumps({'reid/R1': r1, 'reid/mAP': mean_ap, 'step': epoch})
        for epoch, r1, mean_ap in evaluations
    ]
    (work_dir / '20260101_000000' / 'vis_data' / 'scalars.json').write_text('\n'.join(lines))
    if last:
        write_checkpoint(work_dir / f'epoch_{last}.pth', last)
        (work_dir / 'last_checkpoint').write_text(f'/elsewhere/epoch_{last}.pth')


def write_record(work_dir, command, trained_in):
    work_dir.mkdir(parents=True, exist_ok=True)
    (work_dir / 'ablation.json').write_text(
        json.dumps(dict(seed=0, command=command, trained_in=trained_in, asked={}))
    )


def tables(root, numbers, datasets=('market1501',), budget='cpu_market', make=markdown):
    rows = read_paper(METAFILES, numbers)
    outcomes = {
        (dataset, row.place): read_outcome(root, dataset, budget, row.place, row.prefix)
        for dataset in datasets
        for row in rows
    }
    return make(rows, outcomes, datasets, budget)


@pytest.fixture
def table2(tmp_path):
    """Rows: two seeds; three, close to it; one that is worse; unfinished; best; not run."""
    base = tmp_path / 'market1501_cpu_market' / 'table2'
    write_test(base / '1_backbone' / 'seed0', 70, 50, 0)
    write_test(base / '1_backbone' / 'seed1', 71, 52, 1)
    for seed, mean_ap in enumerate((51, 52, 53)):
        write_test(base / '2_re' / f'seed{seed}', 80, mean_ap, seed)
    write_test(base / '3_auto' / 'seed0', 75.5, 40.25)
    write_training(base / '4_ls' / 'seed0', [(6, 60, 30), (9, 61, 31.5)], last=10)
    write_test(base / '5_stride1' / 'seed0', 88.3, 73.5, checkpoint='best_reid_mAP_epoch_12.pth')
    for row in ('1_backbone', '2_re'):
        write_record(base / row / 'seed0', 'python tools/ablate.py ...', f'table2/{row}/seed0')
    return tmp_path


TABLE2 = """## Table 2: what is added to the backbone

Data set market1501; budget cpu_market; 12 epochs; ResNet-18, base_channels=32; 128x64; float32; \
seeds 0 1 2. Command: `python tools/ablate.py ...`.

| row | R1, ours | paper | difference | mAP, ours | paper | difference | n |
|---|---|---|---|---|---|---|---|
| Backbone | 70.50 ± 0.71 | 83.4 | -12.90 | 51.00 ± 1.41 | 69.6 | -18.60 | 2 |
| +RE | 80.00 ± 0.00 | 86.7 | -6.70 | 52.00 ± 1.00 | 71.9 | -19.90 | 3 |
| +Auto | 75.50 | 87.3 | -11.80 | 40.25 | 72.3 | -32.05 | 1 |
| +LS | 61.00 (epoch 9 of 12) | 87.5 | - | 31.50 (epoch 9 of 12) | 72.6 | - | 1 |
| +Stride=1 | 88.30 (best, epoch 12 of 12) | 88.3 | - | 73.50 (best, epoch 12 of 12) | 73.5 | - \
| 1 |
| +BN | not run | 90.1 | - | not run | 76.2 | - | 0 |

Order by mAP, 5 pairs of neighbouring rows: 0 agree, 1 disagree (+RE to +Auto: -11.75, \
paper +0.4), 1 within one standard deviation (Backbone to +RE: +1.00, paper +2.3), 2 not finished, 1 not run. \
Where a row has one seed, its spread is not known.
"""


def test_markdown(table2):
    legend, text = tables(table2, [2]).split('\n\n', 1)
    assert legend.startswith('R1 and mAP in percent') and text == TABLE2


def test_csv(table2):
    lines = list(csv.DictReader(io.StringIO(tables(table2, [2], make=csv_text))))
    assert len(lines) == 12
    assert lines[3] == dict(
        table='2',
        row="'+RE",
        config='configs/paper/table2/2_re.py',
        dataset='market1501',
        budget='cpu_market',
        part='',
        ranking='plain',
        metric='mAP',
        ours='52.0000',
        deviation='1.0000',
        n='3',
        seeds='0 1 2',
        status='finished',
        paper_dataset='Market-1501',
        paper='71.9',
        difference='-19.9000',
    )
    assert [line['status'] for line in lines[::2]] == [
        'finished',
        'finished',
        'finished',
        'epoch 9 of 12',
        'best, epoch 12 of 12',
        'not run',
    ]
    assert lines[6]['ours'] == '61.0000' and lines[6]['difference'] == ''
    assert lines[10]['ours'] == '' and lines[10]['paper'] == '90.1'


def test_a_seed_that_is_not_finished_does_not_count(tmp_path):
    base = tmp_path / 'market1501_cpu_market' / 'table3' / '1_id'
    write_test(base / 'seed0', 70, 50, 0)
    write_training(base / 'seed1', [(6, 10, 10)], seed=1)
    text = tables(tmp_path, [3])
    assert (
        '| L_id | 70.00 | 90.1 | -20.10 | 50.00 | 76.2 | -26.20 | 1 (without seed 1: epoch 6 '
        'of 12) |'
    ) in text
    assert 'seeds 0 1. Command: not recorded.' in text


def test_rows_of_a_table_that_is_re_ranked(tmp_path):
    base = tmp_path / 'market1501_cpu_market'
    write_test(base / 'table5' / '1_ours' / 'seed0', 80, 60)
    write_test(base / 'table5' / '2_ours_rerank' / 'seed0', 80, 60, rerank=(82, 70))
    write_training(base / 'table6' / 'k4_p6' / 'seed0', [(12, 70, 50)], last=12)
    write_test(base / 'table6' / 'k4_p16' / 'seed0', 80, 60, rerank=(85, 71))
    write_test(base / 'table6' / 'k8_p16' / 'seed0', 80, 60, rerank=(85, 72))
    write_test(base / 'table6' / 'k16_p4' / 'seed0', 80, 60, rerank=(81, 40))
    text = tables(tmp_path, [5, 6])
    assert '| Ours | 80.00 | 95.2 | -15.20 | 60.00 | 86.1 | -26.10 | 1 |' in text
    assert '| Ours + Re-rank | 82.00 | 95.7 | -13.70 | 70.00 | 90.5 | -20.50 | 1 |' in text
    assert '1 agree (Ours to Ours + Re-rank: +10.00, paper +4.4)' in text
    assert '| TriNet | not run | 84.9 | - | not run | 69.1 | - | 0 |\n| PCB | not run' in text
    assert '| 4x6 | not re-ranked, epoch 12 of 12 | 93.8 | - |' in text
    assert '| 4x16, as P x K | 81.00 | 95.7 | -14.70 |' in text
    assert 'Order by mAP, 6 pairs of neighbouring rows: 0 agree, 0 disagree' in text


def test_pairs_of_rows_that_are_far_apart(tmp_path):
    """Two seeds each, 10 points apart, deviation 1.41: the paper's order, and its reverse."""
    base = tmp_path / 'market1501' / 'table4'
    for row, mean_ap in (('1_circle', 50), ('2_circle_center', 60), ('3_circle_triplet', 45)):
        for seed in (0, 1):
            write_test(base / row / f'seed{seed}', 80, mean_ap + 2 * seed, seed)
    text = tables(tmp_path, [4], budget=None)
    assert text.endswith(
        'Order by mAP, 3 pairs of neighbouring rows: 1 agree (L_circle to '
        'L_circle + L_center: +10.00, paper +4.6), 1 disagree (L_circle + '
        'L_center to L_circle + L_triplet: -15.00, paper +1.0), 0 within one '
        'standard deviation, 1 not run.\n'
    )
    assert "market1501; the configs' own budget; 12 epochs" in text


def test_the_limit_of_one_standard_deviation():
    """Deviations 3 and 4 of two rows: 5 of their difference."""
    assert [Pair(('a', 'b'), ours, 1.0, 5.0).verdict for ours in (5.0, -5.0, 5.1, -5.1)] == [
        'within one standard deviation'
    ] * 2 + ['agree', 'disagree']


def test_a_data_set_that_the_paper_has_not(tmp_path):
    write_test(tmp_path / 'synthetic_cpu_synthetic' / 'table3' / '1_id' / 'seed0', 70, 50)
    text = tables(tmp_path, [3], ('synthetic',), 'cpu_synthetic')
    assert '| row | R1, ours | paper (Market-1501) | mAP, ours | paper (Market-1501) | n |' in text
    assert '| L_id | 70.00 | 90.1 | 50.00 | 76.2 | 1 |' in text
    line = tables(tmp_path, [3], ('synthetic',), 'cpu_synthetic', csv_text).splitlines()[1]
    assert line.endswith(',finished,Market-1501,90.1,')


def test_two_data_sets(tmp_path):
    write_test(tmp_path / 'market1501' / 'table3' / '1_id' / 'seed0', 70, 50)
    write_test(
        tmp_path / 'dukemtmc' / 'table3' / '1_id' / 'seed0',
        60,
        40,
        epochs=120,
        checkpoint='epoch_120.pth',
        wrapper='AmpOptimWrapper',
    )
    text = tables(tmp_path, [3], ('market1501', 'dukemtmc'), None)
    assert (
        '| L_id | 70.00 | 90.1 | -20.10 | 50.00 | 76.2 | -26.20 | 1 | '
        '60.00 | 85.1 | -25.10 | 40.00 | 74.0 | -34.00 | 1 |'
    ) in text
    assert 'dukemtmc R1, ours | paper | difference | dukemtmc mAP, ours' in text
    assert 'Data set dukemtmc; ' in text and '120 epochs; ' in text and 'float16' in text
    assert '\n\nmarket1501: Order by' in text and '\n\ndukemtmc: Order by' in text


def test_runs_by_hand(tmp_path):
    """train.py's and test.py's own folders; a test on another data set is none of this row."""
    work_dir = tmp_path / '2_id_center_market1501_cpu_market'
    write_test(work_dir, 70, 50, name='test_market1501', checkpoint='epoch_6.pth')
    write_test(work_dir, 1, 2, name='test_dukemtmc')
    text = tables(tmp_path, [3])
    assert '| L_id + L_center | 70.00 (epoch 6 of 12) | 90.5 | - |' in text


def test_a_run_that_shares_an_unfinished_training(tmp_path):
    base = tmp_path / 'market1501_cpu_market'
    write_training(base / 'table2' / '6_bn' / 'seed0', [], last=3)
    write_record(base / 'table3' / '1_id' / 'seed0', 'the command', 'table2/6_bn/seed0')
    text = tables(tmp_path, [3])
    assert '| L_id | not evaluated, epoch 3 of 12 | 90.1 | - |' in text
    assert 'Command: `the command`.' in text


def test_nothing_run(tmp_path):
    text = tables(tmp_path, None)
    assert text.count('Data set market1501; budget cpu_market; not run.') == 5
    assert text.count('not run | ') == 2 * 26


def test_figures_on_a_part_are_not_subtracted(tmp_path):
    base = tmp_path / 'market1501_cpu_market' / 'table3'
    for row, mean_ap in (('1_id', 30), ('2_id_center', 35)):
        write_test(base / row / 'seed0', 50, mean_ap)
        for config in (base / row).rglob('row.py'):
            config.write_text(
                config.read_text() + 'train_dataloader = dict(dataset=dict('
                'max_ids=96))\ntest_dataloader["dataset"]["max_ids"] = 200\n'
            )
    text = tables(tmp_path, [3])
    assert '; 96 identities trained on and 200 tested on; seed 0' in text
    assert '| L_id | 50.00 | 90.1 | - | 30.00 | 76.2 | - | 1 |' in text
    assert '1 agree (L_id to L_id + L_center: +5.00, paper +3.3)' in text
    line = list(csv.DictReader(io.StringIO(tables(tmp_path, [3], make=csv_text))))[0]
    assert (line['part'], line['difference'], line['ours']) == (
        '96 identities trained on and 200 tested on',
        '',
        '50.0000',
    )


def test_a_method_without_figures_on_a_data_set(tmp_path):
    write_test(tmp_path / 'dukemtmc' / 'peers' / 'trinet' / 'seed0', 60, 40)
    write_test(tmp_path / 'dukemtmc' / 'peers' / 'pcb' / 'seed0', 70, 50)
    text = tables(tmp_path, [5], ('dukemtmc',), None)
    assert '| TriNet | 60.00 | - | - | 40.00 | - | - | 1 |' in text
    assert '| PCB | 70.00 | 81.8 | -11.80 |' in text
    assert 'Order by mAP, 2 pairs of neighbouring rows' in text


def test_a_table_that_is_not_there():
    with pytest.raises(ValueError, match=r'--tables .*\[2, 3, 4, 5, 6\], got \[1\]'):
        read_paper(METAFILES, [1, 2])
