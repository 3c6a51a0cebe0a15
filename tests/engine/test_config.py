import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import convert_sync_batchnorm

from reid_fusedloss.engine.config import DATASET_VARIABLE, join_processes, load_config, split_batch
from reid_fusedloss.engine.testing import check_weights
from reid_fusedloss.models import BNNeckHead
from tests.tiny import DATASETS, REPOSITORY

HEADLINE = str(REPOSITORY / 'configs' / 'paper' / 'fusedloss_r50.py')


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    monkeypatch.delenv(DATASET_VARIABLE, raising=False)


def test_default_and_chosen_data_set():
    assert load_config(HEADLINE).train_dataloader.dataset.type.endswith('Market1501')
    chosen = load_config(HEADLINE, 'dukemtmc')
    assert DATASET_VARIABLE not in os.environ
    assert {chosen[f'{loader}_dataloader'].dataset.type for loader in ('train', 'val', 'test')} == {
        'reid_fusedloss.DukeMTMCreID'
    }


def test_a_data_set_config_of_the_users_own(tmp_path, monkeypatch):
    base = os.path.relpath(DATASETS / 'reid.py', tmp_path)
    (tmp_path / 'mine.py').write_text(
        f"_base_ = '{base}'\n"
        "dataset = dict(type='reid_fusedloss.ReIDDataset', data_root='somewhere')\n"
        'train_dataloader = dict(dataset=dataset)\n'
    )
    cfg = load_config(HEADLINE, str(tmp_path / 'mine.py'))
    assert cfg.train_dataloader.dataset.data_root == 'somewhere'
    assert cfg.train_dataloader.dataset.split == 'train'


def test_a_second_data_set_for_a_config_that_names_its_own(tmp_path):
    """As the config that a run leaves: loaders and image size are the run's, the people others."""
    load_config(
        HEADLINE, 'vehicle_reid', {'test_dataloader.dataset.pipeline.resize.scale': (64, 64)}
    ).dump(tmp_path / 'left.py')
    cfg = load_config(str(tmp_path / 'left.py'), 'dukemtmc')
    tested = cfg.test_dataloader.dataset
    assert tested.type == 'reid_fusedloss.DukeMTMCreID' and tested.split == 'test'
    assert 'pattern' not in tested and tested.data_root == 'data/dukemtmc'
    assert tuple(tested.pipeline.resize.scale) == (64, 64)


def test_a_data_set_config_is_looked_for_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('mine.py').write_text(
        f"_base_ = '{DATASETS}/reid.py'\n"
        "dataset = dict(type='reid_fusedloss.ReIDDataset', data_root='here')\n"
        'train_dataloader = dict(dataset=dataset)\n'
    )
    folder = tmp_path / 'a' / 'b'
    folder.mkdir(parents=True)
    (folder / 'config.py').write_text(f"_base_ = '{HEADLINE}'\n")
    cfg = load_config(str(folder / 'config.py'), 'mine.py')
    assert cfg.train_dataloader.dataset.data_root == 'here'


def test_options_reach_named_steps():
    cfg = load_config(HEADLINE, options={'train_dataloader.dataset.pipeline.erase.erase_prob': 0.0})
    assert cfg.train_dataloader.dataset.pipeline.erase.erase_prob == 0.0


@pytest.mark.parametrize(
    'path, dataset, error, words',
    [
        ('nowhere.py', None, FileNotFoundError, ['nowhere.py']),
        (HEADLINE, 'marketplace', FileNotFoundError, ['marketplace', 'market1501', 'synthetic']),
        (HEADLINE, 'mine.py', FileNotFoundError, ['mine.py']),
    ],
)
def test_errors(path, dataset, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        load_config(path, dataset)
    assert all(word in str(caught.value) for word in words)


def test_batch_is_a_total():
    cfg = Config(dict(train_dataloader=dict(batch_size=64, batch_sampler=dict(num_instances=4))))
    split_batch(cfg, 4)
    assert cfg.train_dataloader.batch_size == 16
    with pytest.raises(ValueError, match='multiple of 12'):
        split_batch(cfg, 3)
    split_batch(cfg, 4, per_process=True)
    assert cfg.train_dataloader.batch_size == 16


def test_our_loop_divides_the_batch_itself():
    cfg = load_config(HEADLINE)
    assert cfg.train_cfg.split_batch is True
    split_batch(cfg, 4, per_process=True)
    assert cfg.train_cfg.split_batch is False and cfg.train_dataloader.batch_size == 64


@pytest.mark.parametrize('option', ['optim_wraper.optimizer.lr', 'dataset.data_root'])
def test_a_misspelt_option_is_refused(option):
    with pytest.raises(ValueError, match=option.split('.')[0]):
        load_config(HEADLINE, options={option: 1})


def test_options_of_the_runner_are_taken():
    cfg = load_config(HEADLINE, options={'work_dir': 'here', 'auto_scale_lr.enable': True})
    assert cfg.work_dir == 'here' and cfg.auto_scale_lr.enable


def test_random_batches_split_too():
    cfg = Config(dict(train_dataloader=dict(batch_size=64, batch_sampler=None)))
    split_batch(cfg, 4)
    assert cfg.train_dataloader.batch_size == 16


def test_launcher_without_torchrun(monkeypatch):
    monkeypatch.delenv('WORLD_SIZE', raising=False)
    with pytest.raises(ValueError, match='tools/dist_train.sh'):
        join_processes(Config(), 'pytorch')


def test_a_checkpoint_of_another_network_is_refused():
    model = torch.nn.Module()
    model.backbone = torch.nn.Linear(2, 3)
    weights = {f'backbone.{name}': value for name, value in model.backbone.state_dict().items()}
    check_weights(model, weights)
    with pytest.raises(ValueError, match='1 of 2 weights .*backbone.bias has shape'):
        check_weights(model, dict(weights, **{'backbone.bias': torch.zeros(5)}))


def test_synchronised_batch_normalisation_needs_gpus(monkeypatch):
    monkeypatch.setenv('WORLD_SIZE', '2')
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    with pytest.raises(ValueError, match="sync_bn='torch': .*only on GPUs"):
        join_processes(Config(dict(sync_bn='torch')), 'pytorch')


def test_the_key_reaches_the_head():
    """What MMEngine does with `sync_bn`, on a head whose BN has a frozen bias."""
    loss = dict(
        type='reid_fusedloss.FusedLoss',
        terms=dict(id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0)),
    )
    head = convert_sync_batchnorm(BNNeckHead(4, 8, loss), 'torch')
    assert isinstance(head.bn, torch.nn.SyncBatchNorm)
    assert head.bn.weight.requires_grad and not head.bn.bias.requires_grad


def test_by_epoch_may_stand_beside_the_type():
    """As in configs for MMEngine's loop; MMEngine takes one of the two alone."""
    cfg = load_config(HEADLINE, options={'train_cfg.by_epoch': True})
    assert cfg.train_cfg.type == 'reid_fusedloss.ReIDTrainLoop' and 'by_epoch' not in cfg.train_cfg
