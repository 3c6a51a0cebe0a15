"""What --dataset makes of a config."""

import pytest
from mmengine.config import Config

from reid_fusedloss.engine.config import load_config
from reid_fusedloss.engine.dataset_choice import split_names, suffix, title
from reid_fusedloss.scope import find_config
from tests.tiny import DATASETS

HEADLINE = str(find_config('fusedloss_r50'))
OWN = """
_base_ = '{base}/reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.ReIDDataset', data_root='shop', pattern='(?P<pid>.)',
                 sources=dict(train='a', query='b', gallery='c')){more}
)
"""


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / 'shop.py'
    path.write_text(OWN.format(base=DATASETS, more=''))
    return str(path)


def test_a_joint_config(shop):
    cfg = load_config(HEADLINE, f'market1501+{shop}', budget='cpu_market_subset')
    alone = load_config(HEADLINE, 'market1501', budget='cpu_market_subset')
    for loader, split, ids in (('train', 'train', 96), ('val', 'test', 200), ('test', 'test', 200)):
        dataset = cfg[f'{loader}_dataloader'].dataset
        assert dataset.type == 'reid_fusedloss.JointReIDDataset' and dataset.split == split
        assert dataset.max_ids == ids
        assert dataset.parts.market1501 == dict(
            type='reid_fusedloss.Market1501', data_root='data/market1501'
        )
        assert dataset.parts.shop.data_root == 'shop' and 'pipeline' not in dataset.parts.shop
        assert dataset.pipeline == alone[f'{loader}_dataloader'].dataset.pipeline
    assert cfg.model == alone.model
    assert {key for key in cfg if cfg[key] != alone.get(key)} == {
        'train_dataloader',
        'val_dataloader',
        'test_dataloader',
    }


def test_a_config_that_a_run_left(shop, tmp_path):
    """A joint one goes back to a single set and to another joint one; its pipeline stays."""
    size = {'test_dataloader.dataset.pipeline.resize.scale': (64, 64)}
    load_config(HEADLINE, f'market1501+{shop}', size).dump(tmp_path / 'left.py')
    left = str(tmp_path / 'left.py')
    assert sorted(load_config(left).test_dataloader.dataset.parts) == ['market1501', 'shop']
    single = load_config(left, 'dukemtmc').test_dataloader.dataset
    assert single.type == 'reid_fusedloss.DukeMTMCreID' and 'parts' not in single
    other = load_config(left, f'{shop}+veri776').test_dataloader.dataset
    assert sorted(other.parts) == ['shop', 'veri776']
    for dataset in (single, other):
        assert tuple(dataset.pipeline.resize.scale) == (64, 64)


def test_shares_by_an_option():
    key = 'train_dataloader.batch_sampler.shares'
    cfg = load_config(
        HEADLINE, 'market1501+dukemtmc', {f'{key}.dukemtmc': 2, f'{key}.market1501': 1}
    )
    assert cfg.train_dataloader.batch_sampler.shares == dict(dukemtmc=2, market1501=1)


@pytest.mark.parametrize(
    'dataset, error, words',
    [
        ('market1501+dukemtcm', FileNotFoundError, '--dataset dukemtcm is unknown.*dukemtmc'),
        ('market1501+mine.py', FileNotFoundError, 'no data set config at mine.py'),
        ('market1501+', ValueError, 'on both sides'),
        ('market1501+dukemtmc+market1501', ValueError, "two sets called 'market1501'"),
        (f'market1501+{DATASETS}/market1501.py', ValueError, "two sets called 'market1501'"),
    ],
)
def test_errors(dataset, error, words):
    with pytest.raises(error, match=words):
        load_config(HEADLINE, dataset)


def test_a_part_that_changes_more_than_its_data(tmp_path):
    path = tmp_path / 'few.py'
    path.write_text(OWN.format(base=DATASETS, more=', batch_sampler=dict(num_instances=2)'))
    assert Config.fromfile(path)
    with pytest.raises(
        ValueError, match=r'few\.py changes train_dataloader\.batch_sampler\.num_ins'
    ):
        load_config(HEADLINE, f'market1501+{path}')


def test_names(tmp_path):
    assert title('market1501+/data/shop.py') == 'market1501+shop'
    assert suffix('a+b/c.py', None, 'cpu_market') == '_a+c_cpu_market'
    folder = tmp_path / 'a+b'
    folder.mkdir()
    (folder / 'x.py').touch()
    assert split_names(str(folder / 'x.py')) == [str(folder / 'x.py')]
