"""Training and testing on several data sets, by the parts of the tools."""

import json
from pathlib import Path

import pytest
from mmengine.runner import Runner

from reid_fusedloss import visualization
from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences, latest_checkpoint
from reid_fusedloss.engine.config import load_config, resume
from tests.calling import call
from tests.engine.processes import finish, free_port, start
from tests.engine.test_resume import Stop, StopAt, kill, terminate
from tests.tiny import DATA, DATASETS, DEMO, tiny_options

SETS = dict(first=dict(seed=0), second=dict(seed=1, num_train_ids=8, num_test_ids=5))


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    """Two drawn sets of other sizes, each a config of the user's own."""
    folder = tmp_path_factory.mktemp('sets')
    for name, options in SETS.items():
        given = DATA | dict(data_root=str(folder / name)) | options
        (folder / f'{name}.py').write_text(
            f"_base_ = '{DATASETS}/synthetic.py'\n"
            'train_dataloader = val_dataloader = test_dataloader = dict(\n'
            f'    dataset=dict({", ".join(f"{key}={value!r}" for key, value in given.items())})\n'
            ')\n'
        )
    return folder


def choice(sets):
    return '+'.join(f'{sets}/{name}.py' for name in SETS)


def options(sets):
    """The tiny run's, without what the data set configs say."""
    own = {'data_root', *DATA}
    return {
        key: value
        for key, value in tiny_options(sets).items()
        if not (key.split('.')[1:2] == ['dataset'] and key.split('.')[2] in own)
    } | {'train_dataloader.batch_sampler.shares': 'equal', 'train_cfg.val_interval': 2}


def train(sets, work_dir, stop=None, go_on=False):
    cfg = load_config(DEMO, choice(sets), options(sets))
    cfg.work_dir = str(work_dir)
    cfg.default_hooks.checkpoint.save_best = ['reid/mAP', 'second/reid/mAP']
    if stop or go_on:
        cfg.default_hooks.pop('report')  # its pictures take longer than this training
    if go_on:
        resume(cfg, 'auto')
    runner = Runner.from_cfg(cfg)
    if stop:
        runner.register_hook(StopAt(*stop))
    runner.train()
    return runner


@pytest.fixture(scope='module')
def straight(sets):
    return train(sets, sets / 'straight')


def test_num_ids_everywhere(straight):
    head = straight.model.head
    assert head.num_classes == head.classifier.weight.shape[0] == 14
    log = next(iter(Path(straight.work_dir).rglob('*.log'))).read_text()
    assert '14 identities, 56 images of 2 sets' in log and 'first 6 / 24, second 8 / 32' in log
    assert 'model.head.num_classes = 14' in log and "shares 'equal'" in log
    centres = head.loss_module.state_dict()
    assert {value.shape[0] for name, value in centres.items() if 'centers' in name} == {14}
    facts = load_checkpoint_file(latest_checkpoint(straight.work_dir))['meta']['training']['data']
    assert facts['num_identities'] == 14 and facts['num_images'] == 56
    assert facts['sets'] == dict(first='6 / 24', second='8 / 32') and facts['shares'] == 'equal'


def test_what_a_run_leaves(straight):
    folder = Path(straight.work_dir)
    scores = json.loads((folder / 'scores.json').read_text())
    mean = (scores['first/reid/mAP'] + scores['second/reid/mAP']) / 2
    assert scores['reid/mAP'] == pytest.approx(mean)
    for name in SETS:
        for ending in ('json', 'png'):
            assert (folder / 'ranking_lists' / f'{name}_reid.{ending}').is_file()
    assert (folder / 'curves.png').is_file()
    assert len(list(folder.glob('best_*.pth'))) == 2


@pytest.mark.parametrize(
    'stop', [('iter', 3, terminate), ('iter', 9, kill)], ids=['told', 'killed']
)
def test_resumed_it_is_the_straight_run_to_the_bit(sets, straight, tmp_path, stop):
    assert len(straight.train_dataloader) == 7  # so both stops are in the middle of an epoch
    with pytest.raises((Stop, SystemExit)):
        train(sets, tmp_path, stop)
    train(sets, tmp_path, go_on=True)
    paths = [Path(folder) / 'epoch_2.pth' for folder in (tmp_path, straight.work_dir)]
    found = list(differences(*map(load_checkpoint_file, paths)))
    found = [line for line in found if '/best_ckpt_' not in line]  # paths in the two folders
    assert not found, found


@pytest.mark.slow
def test_two_processes(sets, straight, tmp_path):
    """They train on what one process trains on, and evaluate each set by itself."""
    config, folder = tmp_path / 'joint.py', tmp_path / 'work'
    load_config(DEMO, choice(sets), options(sets)).dump(config)
    finish(start(str(config), folder, processes=2, PORT=free_port()), folder)
    scores = json.loads((folder / 'scores.json').read_text())
    mean = (scores['first/reid/mAP'] + scores['second/reid/mAP']) / 2
    assert scores['reid/mAP'] == pytest.approx(mean)
    facts = [
        load_checkpoint_file(latest_checkpoint(place))['meta']['training']['data']
        for place in (folder, straight.work_dir)
    ]
    assert facts[0] == facts[1]


def test_tested_together_as_each_by_itself(sets, straight, monkeypatch, tmp_path):
    monkeypatch.setattr(visualization, 'save_ranking_lists', lambda *_, **__: None)  # takes long
    checkpoint = latest_checkpoint(straight.work_dir)
    scores = {}
    for dataset in (choice(sets), *(f'{sets}/{name}.py' for name in SETS)):
        kept = {k: v for k, v in options(sets).items() if 'shares' not in k}
        given = [f'{key}={value}'.replace(' ', '') for key, value in kept.items()]
        folder = tmp_path / str(len(scores))
        call(
            monkeypatch, 'test', DEMO, checkpoint, '--dataset', dataset, '--work-dir', folder,
            '--cfg-options', *given,
        )  # fmt: skip
        scores[len(scores)] = json.loads((folder / 'scores.json').read_text())
    for name, alone in zip(SETS, (scores[1], scores[2]), strict=True):
        assert {key: scores[0][f'{name}/{key}'] for key in alone} == alone
