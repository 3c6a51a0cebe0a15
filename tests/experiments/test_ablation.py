"""Lists of rows: what is run, gone on with, skipped, shared and refused."""

import json
import logging

import pytest
from mmengine.logging import MMLogger

from reid_fusedloss.experiments import Ablation, Choices, find_configs, plan, settle
from reid_fusedloss.experiments.ablation import duration
from tests.experiments.fake import PAPER, Machine, write_checkpoint

DONE = 'R1 50.00, mAP 40.00; re-ranked R1 60.00, mAP 55.50'


def run(root, rows, machine=None, seeds=(0,), redo=False, keep=False, **choices):
    """Run a list as the tool does: the machine, failed rows, and the lines said."""
    machine = machine or Machine()
    choices = Choices('synthetic', 'cpu_synthetic', **choices)
    planned = plan(find_configs([PAPER / row for row in rows]), seeds, choices, root)
    settle(planned, redo)
    lines = []
    ablation = Ablation(
        planned,
        choices,
        choices.base(root),
        'the command',
        keep,
        machine,
        lambda: machine.seconds,
        lines.append,
    )
    return machine, ablation.run(), lines


def folder(root, row, seed=0):
    return root / 'synthetic_cpu_synthetic' / row / f'seed{seed}'


def checkpoints(path):
    return sorted(file.name for file in path.glob('*.pth'))


def test_rows_and_seeds_one_after_another(tmp_path):
    machine, failed, lines = run(tmp_path, ['table2/1_backbone.py', 'table2/2_re.py'], seeds=(0, 7))
    assert not failed
    assert machine.done == ['train 1_backbone', 'test 1_backbone', 'train 2_re', 'test 2_re'] * 2
    assert lines == [
        f'[1/4] table2/1_backbone seed 0: {DONE}; 24 min 00 s; 3 left to run, about 1 h 12 min',
        f'[2/4] table2/2_re seed 0: {DONE}; 24 min 00 s; 2 left to run, about 48 min 00 s',
        f'[3/4] table2/1_backbone seed 7: {DONE}; 24 min 00 s; 1 left to run, about 24 min 00 s',
        f'[4/4] table2/2_re seed 7: {DONE}; 24 min 00 s; nothing left to run',
    ]
    assert checkpoints(folder(tmp_path, 'table2/2_re', 7)) == ['epoch_24.pth']
    assert (
        json.loads((folder(tmp_path, 'table2/2_re', 7) / 'ablation.json').read_text())['command']
        == 'the command'
    )


def test_planning_logs_warnings_alone(tmp_path):
    logger, records = MMLogger.get_current_instance(), []
    handler = logging.Handler()
    handler.emit = records.append
    logger.addHandler(handler)
    try:
        plan(find_configs([PAPER / 'table2']), [0], Choices('synthetic'), tmp_path)
        assert records == []
        logger.info('as before')
        assert [record.msg for record in records] == ['as before']
    finally:
        logger.removeHandler(handler)


def test_commands(tmp_path):
    machine, _, _ = run(tmp_path, ['table2/2_re.py'], seeds=(5,), amp=True)
    train, test = machine.commands
    work_dir = str(folder(tmp_path, 'table2/2_re', 5))
    common = [
        '--dataset',
        'synthetic',
        '--budget',
        'cpu_synthetic',
        '--cfg-options',
        'randomness.seed=5',
    ]
    config = str(PAPER / 'table2' / '2_re.py')
    assert train[1:] == [
        '-m',
        'reid_fusedloss',
        'train',
        config,
        '--work-dir',
        work_dir,
        '--amp',
        *common,
    ]
    assert test[1:] == [
        '-m',
        'reid_fusedloss',
        'test',
        config,
        f'{work_dir}/epoch_24.pth',
        '--work-dir',
        f'{work_dir}/test_last',
        *common,
    ]


def test_commands_for_several_processes(tmp_path):
    machine, _, _ = run(
        tmp_path,
        ['table2/2_re.py'],
        processes=2,
        trust_checkpoint=True,
        options=('train_cfg.val_interval=3', 'model.head.in_channels=256'),
    )
    train, test = machine.commands
    config = str(PAPER / 'table2' / '2_re.py')
    assert train[3:6] == ['train', config, '--processes=2']
    assert test[3:5] + test[6:7] == ['test', config, '--processes=2']
    end = [
        '--trust-checkpoint',
        '--cfg-options',
        'train_cfg.val_interval=3',
        'model.head.in_channels=256',
        'randomness.seed=0',
    ]
    assert train[-5:] == test[-5:] == end


def test_a_stopped_row_goes_on_and_a_finished_one_is_skipped(tmp_path):
    rows = ['table2/1_backbone.py', 'table2/2_re.py', 'table2/3_auto.py']
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, rows, Machine(stop=34))
    assert 'epoch_10.pth' in checkpoints(folder(tmp_path, 'table2/2_re'))
    machine, failed, lines = run(tmp_path, rows)
    assert not failed
    assert machine.done == ['go on 2_re', 'test 2_re', 'train 3_auto', 'test 3_auto']
    assert machine.seconds == (14 + 24) * 60
    assert lines[0] == f'[1/3] table2/1_backbone seed 0: {DONE}; finished before'
    assert lines[1].endswith('14 min 00 s; 1 left to run, about 24 min 00 s')
    assert run(tmp_path, rows)[0].done == []


def test_a_row_stopped_before_its_test_is_only_tested(tmp_path):
    machine, failed, lines = run(
        tmp_path, ['table2/2_re.py', 'table2/3_auto.py'], Machine(broken_tests=['2_re']), keep=True
    )
    log = folder(tmp_path, 'table2/2_re') / 'test.txt'
    assert failed == {'table2/2_re seed 0': f"exit code 3, 'ValueError: no luck', see {log}"}
    assert len(checkpoints(folder(tmp_path, 'table2/3_auto'))) == 48
    machine, failed, lines = run(tmp_path, ['table2/2_re.py'])
    assert machine.done == ['test 2_re'] and not failed


def test_a_failing_row_does_not_stop_the_rest(tmp_path):
    rows = ['table2/6_bn.py', 'table3']
    machine, failed, lines = run(tmp_path, rows, Machine(broken={'6_bn': 5}))
    assert machine.done[:2] == ['train 6_bn', 'train 2_id_center'] and len(machine.done) == 7
    log = folder(tmp_path, 'table2/6_bn') / 'train.txt'
    assert failed == {
        'table2/6_bn seed 0': f"exit code 3, 'ValueError: no luck', see {log}",
        'table3/1_id seed 0': 'it shares the training of table2/6_bn/seed0, which failed',
    }
    assert lines[0].startswith('[1/5] table2/6_bn seed 0: FAILED: exit code 3')
    assert lines[0].endswith('5 min 00 s; 4 left to run, about 1 h 12 min')
    machine, failed, lines = run(tmp_path, rows)
    assert machine.done == ['go on 6_bn', 'test 6_bn'] and not failed


def test_a_training_that_ends_early_is_a_failure(tmp_path):
    _, failed, _ = run(tmp_path, ['table2/2_re.py'], Machine(broken={'2_re': 5}, code=0))
    assert 'the training ended after epoch 5 of 24' in failed['table2/2_re seed 0']


def test_rows_of_one_config_are_trained_once(tmp_path):
    machine, failed, lines = run(tmp_path, ['table2/6_bn.py', 'table3/1_id.py'], seeds=(0, 1))
    assert machine.done == ['train 6_bn', 'test 6_bn'] * 2 and not failed
    assert lines[1] == (
        '[2/4] table3/1_id seed 0: the same config as table2/6_bn/seed0: its scores are copied'
    )
    assert lines[2] == f'[2/4] table3/1_id seed 0: {DONE}; 0 s; 2 left to run, about 24 min 00 s'
    assert (folder(tmp_path, 'table3/1_id', 1) / 'test_last' / 'scores.json').is_file()
    machine, failed, _ = run(tmp_path, ['table2/6_bn.py', 'table3/1_id.py'])
    assert machine.done == []


def test_rows_that_differ_in_the_test_share_a_training(tmp_path):
    rows = ['table4/4_circle_triplet_center.py', 'table5', 'table6/k4_p16.py']
    machine, failed, lines = run(tmp_path, rows)
    name = '4_circle_triplet_center'
    assert machine.done == [f'train {name}', f'test {name}', 'test 1_ours'] and not failed
    assert lines[1].endswith(f'the same training as table4/{name}/seed0: only tested again')
    checkpoint = folder(tmp_path, f'table4/{name}') / 'epoch_24.pth'
    assert str(checkpoint) in machine.commands[2]
    record = json.loads((folder(tmp_path, 'table5/1_ours') / 'ablation.json').read_text())
    assert record['trained_in'] == f'table4/{name}/seed0'


def test_a_training_is_shared_with_an_earlier_list(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, ['table2/6_bn.py'], Machine(stop=10))
    machine, _, _ = run(tmp_path, ['table3/1_id.py'])
    assert machine.done == ['go on 1_id', 'test 1_id'] and machine.seconds == 14 * 60
    assert checkpoints(folder(tmp_path, 'table2/6_bn')) == ['epoch_24.pth']


def test_a_changed_config_is_refused_by_its_keys(tmp_path):
    run(tmp_path, ['table2/6_bn.py', 'table2/2_re.py'])
    with pytest.raises(
        ValueError,
        match=r'table2/6_bn seed 0 .*config\.optim_wrapper\.optimizer\.'
        r'lr 0\.002 -> 0\.5; config\.train_cfg\.val_interval 12 -> 6\. Use',
    ):
        run(
            tmp_path,
            ['table2/6_bn.py'],
            options=('optim_wrapper.optimizer.lr=0.5', 'train_cfg.val_interval=6'),
        )
    with pytest.raises(ValueError, match='amp False -> True'):
        run(tmp_path, ['table2/2_re.py'], amp=True)
    with pytest.raises(ValueError, match='processes 1 -> 2'):
        run(tmp_path, ['table2/2_re.py'], processes=2)


def test_redo_runs_again_what_has_changed(tmp_path):
    rows = ['table2/6_bn.py', 'table3/1_id.py', 'table3/2_id_center.py']
    run(tmp_path, rows)
    machine, failed, _ = run(
        tmp_path, rows[:2], redo=True, options=('optim_wrapper.optimizer.lr=0.5',)
    )
    assert machine.done == ['train 6_bn', 'test 6_bn'] and not failed
    assert run(tmp_path, rows[2:], redo=True)[0].done == []
    machine, _, _ = run(tmp_path, rows[2:], redo=True, options=('test_evaluator.ap=trapezoid',))
    assert machine.done == ['test 2_id_center']


def test_a_training_of_another_origin_is_left_alone(tmp_path):
    path = folder(tmp_path, 'table2/2_re')
    path.mkdir(parents=True)
    write_checkpoint(path / 'epoch_3.pth', 3)
    (path / 'last_checkpoint').write_text('epoch_3.pth')
    for redo in (False, True):
        with pytest.raises(ValueError, match='did not start'):
            run(tmp_path, ['table2/2_re.py'], redo=redo)
    assert checkpoints(path) == ['epoch_3.pth']


def test_which_rows(tmp_path):
    found = find_configs([PAPER / 'table3' / '2_id_center.py', PAPER / 'table3'])
    assert [path.stem for path in found] == [
        '2_id_center',
        '1_id',
        '3_id_triplet',
        '4_id_triplet_center',
    ]
    with pytest.raises(FileNotFoundError, match='nowhere'):
        find_configs([tmp_path / 'nowhere'])
    with pytest.raises(FileNotFoundError, match='no config there'):
        find_configs([tmp_path])
    for name in ('a', 'b'):
        (tmp_path / name / 'table2').mkdir(parents=True)
        (tmp_path / name / 'table2' / 'row.py').write_text('')
    with pytest.raises(ValueError, match='its own --root'):
        find_configs([tmp_path / 'a' / 'table2', tmp_path / 'b' / 'table2'])


@pytest.mark.parametrize(
    'keys, words',
    [
        (dict(options=('randomness.seed=1',)), '--seeds'),
        (dict(options=('a',)), 'KEY=VALUE'),
        (dict(processes=0), 'at least 1, got 0'),
    ],
)
def test_choices_that_cannot_be(keys, words):
    with pytest.raises(ValueError, match=words):
        Choices('synthetic', **keys)


def test_a_row_is_counted_in_epochs(tmp_path):
    with pytest.raises(ValueError, match='by_epoch'):
        run(tmp_path, ['table2/2_re.py'], options=('train_cfg.by_epoch=False',))


@pytest.mark.parametrize(
    'seconds, text',
    [(0.4, '0 s'), (59.6, '1 min 00 s'), (3599, '59 min 59 s'), (7500, '2 h 05 min')],
)
def test_duration(seconds, text):
    assert duration(seconds) == text
