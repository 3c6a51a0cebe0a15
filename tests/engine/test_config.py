import os
from pathlib import Path

import pytest
from mmengine.config import Config

from reid_fusedloss.engine.config import DATASET_VARIABLE, load_config, split_batch
from tests.tiny import DATASETS, REPOSITORY

HEADLINE = str(REPOSITORY / 'configs' / 'fusedloss_r50.py')


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    monkeypatch.delenv(DATASET_VARIABLE, raising=False)


def test_default_and_chosen_data_set():
    assert load_config(HEADLINE, DATASETS).train_dataloader.dataset.type.endswith('Market1501')
    chosen = load_config(HEADLINE, DATASETS, 'dukemtmc')
    assert DATASET_VARIABLE not in os.environ
    assert {chosen[f'{loader}_dataloader'].dataset.type for loader in ('train', 'val', 'test')} == {
        'reid_fusedloss.DukeMTMCreID'}


def test_a_data_set_config_of_the_users_own(tmp_path, monkeypatch):
    base = os.path.relpath(DATASETS / 'reid.py', tmp_path)
    (tmp_path / 'mine.py').write_text(
        f"_base_ = '{base}'\n"
        "dataset = dict(type='reid_fusedloss.ReIDDataset', data_root='somewhere')\n"
        'train_dataloader = dict(dataset=dataset)\n')
    cfg = load_config(HEADLINE, DATASETS, str(tmp_path / 'mine.py'))
    assert cfg.train_dataloader.dataset.data_root == 'somewhere'
    assert cfg.train_dataloader.dataset.split == 'train'


def test_options_reach_named_steps():
    cfg = load_config(HEADLINE, DATASETS, options={
        'train_dataloader.dataset.pipeline.erase.erase_prob': 0.0})
    assert cfg.train_dataloader.dataset.pipeline.erase.erase_prob == 0.0


@pytest.mark.parametrize('path, dataset, error, words', [
    ('nowhere.py', None, FileNotFoundError, ['nowhere.py']),
    (HEADLINE, 'marketplace', FileNotFoundError, ['marketplace', 'market1501', 'synthetic']),
    (HEADLINE, 'mine.py', FileNotFoundError, ['mine.py']),
    ('fixed.py', 'market1501', ValueError, ['fixed.py', '--dataset market1501']),
])
def test_errors(path, dataset, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('fixed.py').write_text('model = dict()\n')
    with pytest.raises(error) as caught:
        load_config(path, DATASETS, dataset)
    assert all(word in str(caught.value) for word in words)


def test_batch_is_a_total():
    cfg = Config(dict(train_dataloader=dict(batch_size=64, batch_sampler=dict(num_instances=4))))
    split_batch(cfg, 4)
    assert cfg.train_dataloader.batch_size == 16
    with pytest.raises(ValueError, match='multiple of 12'):
        split_batch(cfg, 3)
