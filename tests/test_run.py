"""Train, evaluate, re-rank, draw: the whole way through MMEngine's Runner."""

import json

import cv2
import pytest
import torch
from mmengine.runner import Runner

from reid_fusedloss import logs
from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.config import use_amp
from reid_fusedloss.engine.testing import (
    adopt_identities,
    check_weights,
    compare_rankings,
    flip_images,
    read_weights,
)
from tests.tiny import tiny_config


@pytest.fixture(scope='module')
def run(tmp_path_factory, real_pictures):
    """A finished tiny training: (folder of the data, its work_dir)."""
    folder = tmp_path_factory.mktemp('run')
    cfg = tiny_config(folder / 'data', folder / 'work')
    with real_pictures:
        Runner.from_cfg(cfg).train()
    return folder / 'data', folder / 'work'


def scalars(work_dir, key):
    lines = next(work_dir.rglob('scalars.json')).read_text().splitlines()
    return [json.loads(line)[key] for line in lines if key in json.loads(line)]


def test_every_configured_term_is_in_the_log(run):
    for term in ('circle', 'triplet', 'center'):
        values = scalars(run[1], f'loss_{term}')
        assert len(values) == 6 and all(value >= 0 for value in values)
    total = scalars(run[1], 'loss')
    parts = [
        sum(values)
        for values in zip(
            *(scalars(run[1], f'loss_{term}') for term in ('circle', 'triplet', 'center'))
        )
    ]
    assert total == pytest.approx(parts, rel=1e-4)


def test_what_a_run_leaves(run):
    work = run[1]
    for name in (
        'synthetic_r18.py',
        'epoch_2.pth',
        'last_checkpoint',
        'curves.png',
        'scores.json',
        'ranking_lists/reid.json',
        'ranking_lists/reid.png',
    ):
        assert (work / name).is_file(), name
        assert not name.endswith('.png') or min(cv2.imread(str(work / name)).shape[:2]) > 100
    assert list(work.glob('best_reid_mAP_epoch_*.pth')) and list(work.rglob('*.log'))
    scores = json.loads((work / 'scores.json').read_text())
    assert scores['reid/mAP'] == pytest.approx(scalars(work, 'reid/mAP')[-1])
    log = next(work.rglob('*.log')).read_text()
    assert 'P=2 identities x K=4 images' in log and '3 iterations an epoch' in log


def test_checkpoint_is_plain_data_and_holds_the_centres(run):
    checkpoint = torch.load(run[1] / 'epoch_2.pth', weights_only=True)
    centers = checkpoint['state_dict']['head.loss_module.terms.center.centers']
    assert centers.shape == (6, 64) and centers.isfinite().all()
    assert checkpoint['message_hub']['log_scalars']['train/loss']['values'].shape == (6,)


def test_resume_goes_on_where_the_run_stopped(run, tmp_path):
    straight = load_checkpoint_file(run[1] / 'epoch_2.pth')
    cfg = tiny_config(run[0], tmp_path, load_from=str(run[1] / 'epoch_1.pth'), resume=True)
    runner = Runner.from_cfg(cfg)
    runner.train()
    resumed = load_checkpoint_file(tmp_path / 'epoch_2.pth')
    assert resumed['meta']['iter'] == straight['meta']['iter'] == 6
    assert (
        resumed['optimizer']['param_groups'][0]['lr']
        == (straight['optimizer']['param_groups'][0]['lr'])
    )
    history = resumed['message_hub']['log_scalars']['train/loss']['values']
    assert torch.equal(
        history[:3], straight['message_hub']['log_scalars']['train/loss']['values'][:3]
    )


def test_test_reproduces_the_score_of_training_and_reranks(run, tmp_path):
    checkpoint = str(run[1] / 'epoch_2.pth')
    cfg = tiny_config(run[0], tmp_path, load_from=checkpoint)
    cfg.model.head.num_classes = None
    adopt_identities(cfg, read_weights(checkpoint))
    assert cfg.model.head.num_classes == 6
    cfg.train_dataloader.dataset.data_root = str(tmp_path / 'no training set is needed')
    cfg.train_dataloader.dataset.type = 'reid_fusedloss.Market1501'
    scores = Runner.from_cfg(cfg).test()
    trained = json.loads((run[1] / 'scores.json').read_text())
    assert scores['reid/mAP'] == pytest.approx(trained['reid/mAP'], abs=1e-9)
    assert (tmp_path / 'ranking_lists' / 'rerank.png').is_file()
    assert 0 < scores['rerank/mAP'] <= 100


@pytest.mark.slow
def test_a_checkpoint_of_other_identities_starts_a_training(run, tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: lines.append(line))
    others = dict(
        train_dataloader__dataset__num_train_ids=4,
        val_dataloader__dataset__num_train_ids=4,
        train_cfg__max_epochs=1,
        load_from=str(run[1] / 'epoch_2.pth'),
    )
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work', **others)
    assert cfg.model.head.num_classes == 4
    runner = Runner.from_cfg(cfg)
    runner.train()
    (left_out,) = (line for line in lines if line.startswith('left out'))
    assert 'head.classifier.weight (6, 64) (here (4, 64))' in left_out
    assert 'head.loss_module.terms.center.centers (6, 64) (here (4, 64))' in left_out
    stem = load_checkpoint_file(run[1] / 'epoch_2.pth')['state_dict']['backbone.conv1.weight']
    assert (runner.model.backbone.conv1.weight - stem).abs().max() < 0.05
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'resumed', resume=True, **others)
    with pytest.raises(ValueError, match='to resume differs: head.*classifier.weight'):
        Runner.from_cfg(cfg).train()


@pytest.mark.slow
def test_flip_and_compare_through_the_runner(run, tmp_path):
    checkpoint = str(run[1] / 'epoch_2.pth')
    scores = {}
    for flip in (False, True):
        cfg = tiny_config(run[0], tmp_path / str(flip), load_from=checkpoint)
        compare_rankings(cfg)
        if flip:
            flip_images(cfg)
        runner = Runner.from_cfg(cfg)
        scores[flip] = runner.test()
        check_weights(runner.model, read_weights(checkpoint))
    trained = json.loads((run[1] / 'scores.json').read_text())
    plain = scores[False]
    assert plain['reid/mAP'] == pytest.approx(trained['reid/mAP'])
    assert plain['pooled_cosine/mAP'] != plain['reid/mAP']
    assert {name.split('/')[0] for name in plain} == {
        'reid',
        'rerank',
        'bn_euclidean',
        'pooled_cosine',
        'pooled_euclidean',
        'pooled_rerank',
    }
    assert scores[True].keys() == plain.keys() and scores[True] != plain


@pytest.mark.slow
def test_bf16_on_a_cpu(run, tmp_path):
    cfg = tiny_config(run[0], tmp_path, train_cfg__max_epochs=1)
    use_amp(cfg)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert type(runner.optim_wrapper).__name__ == 'BF16OptimWrapper'
    exact, mixed = scalars(run[1], 'loss')[0], scalars(tmp_path, 'loss')[0]
    assert mixed == pytest.approx(exact, rel=0.02) and mixed != exact
    assert {p.dtype for p in runner.model.parameters()} == {torch.float32}


def test_wrong_number_of_classes_stops_before_training(run, tmp_path):
    cfg = tiny_config(run[0], tmp_path, model__head__num_classes=751)
    with pytest.raises(ValueError, match='num_classes=751, but the training set has 6'):
        Runner.from_cfg(cfg).train()


@pytest.mark.slow
def test_a_run_without_bn_neck_and_with_a_loss_of_its_own(run, tmp_path):
    terms = dict(
        _delete_=True,
        id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0, label_smoothing=0.1),
    )
    cfg = tiny_config(
        run[0], tmp_path, train_cfg__max_epochs=1, model__head__type='reid_fusedloss.LinearReIDHead'
    )
    cfg.model.head.loss.terms = {key: value for key, value in terms.items() if key != '_delete_'}
    Runner.from_cfg(cfg).train()
    assert len(scalars(tmp_path, 'loss_id')) == 3
