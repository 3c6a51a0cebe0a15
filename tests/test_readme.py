"""README's examples do what README says."""

import re
import sys

import pytest
import torch
from mmengine.registry import MODELS

from reid_fusedloss.engine.config import load_config
from tests.tiny import DATASETS, REPOSITORY

README = (REPOSITORY / 'README.md').read_text()
BLOCKS = re.findall(r'```python\n(.*?)```', README, flags=re.DOTALL)


def block(word):
    found = next(text for text in BLOCKS if word in text)
    return found.replace("_base_ = 'configs/", f"_base_ = '{REPOSITORY}/configs/")


def test_own_data_set(tmp_path, make_images):
    make_images(tmp_path / 'data/vehicles/train', ['truck_01_cam1.jpg', 'car_02_cam2.jpg'])
    mine = tmp_path / 'my_dataset.py'
    mine.write_text(block('my_dataset.py').replace('data/vehicles', f'{tmp_path}/data/vehicles'))
    config = REPOSITORY / 'configs' / 'mobilenetv2' / 'fused_256x128.py'
    cfg = load_config(str(config), str(mine))
    dataset = cfg.train_dataloader.dataset
    assert dataset.data_root == f'{tmp_path}/data/vehicles' and 'erase' in dataset.pipeline
    from mmengine.registry import DATASETS as REGISTRY

    assert len(REGISTRY.build(dataset)) == 2


def test_own_loss(tmp_path, monkeypatch):
    (tmp_path / 'my_losses.py').write_text(block('class NormLoss'))
    (tmp_path / 'mine.py').write_text(block('norm=dict'))
    monkeypatch.syspath_prepend(str(tmp_path))
    cfg = load_config(str(tmp_path / 'mine.py'))
    assert 'my_losses' in sys.modules
    head = MODELS.build(dict(cfg.model.head, num_classes=5))
    losses = head.loss_module(
        head.tensors(torch.randn(4, 2048), head.loss_module.reads), torch.tensor([0, 0, 1, 1])
    )
    assert set(losses) == {'loss_circle', 'loss_triplet', 'loss_center', 'loss_norm'}


def test_names_in_the_tables_exist():
    for name in re.findall(r'^\| `([\w/]+\.py)`', README, flags=re.MULTILINE):
        assert (REPOSITORY / 'configs' / name).is_file(), name
    for picture in re.findall(r'!\[.*?\]\((.*?)\)', README):
        assert (REPOSITORY / picture).is_file(), picture


@pytest.mark.parametrize(
    'name', re.findall(r'`(\w+)`,?', README.split('`--dataset` is')[1].split('or the path')[0])
)
def test_data_sets_named(name):
    assert (DATASETS / f'{name}.py').is_file()


def test_nothing_is_left_to_fill_in():
    assert not re.findall(r'^[A-Z]+_[A-Z_]+$', README, flags=re.MULTILINE)
