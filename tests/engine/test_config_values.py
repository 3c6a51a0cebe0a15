"""A wrong value in a config is an error that names its key."""

import pytest

from reid_fusedloss.engine.config import count_identities, load_config
from reid_fusedloss.engine.config_values import check_values, images_of_an_identity
from tests.tiny import DEMO, REPOSITORY, tiny_options

HEADLINE = str(REPOSITORY / 'configs' / 'paper' / 'fusedloss_r50.py')


@pytest.mark.parametrize(
    'key, value, error, words',
    [
        ('train_dataloader.batch_size', '64', TypeError, 'an integer'),
        ('train_dataloader.batch_size', 64.0, TypeError, 'an integer'),
        ('train_dataloader.batch_size', None, TypeError, 'an integer'),
        ('train_dataloader.batch_size', True, TypeError, 'an integer'),
        ('train_dataloader.batch_size', 62, ValueError, 'a multiple of .*num_instances=4'),
        ('train_dataloader.batch_sampler.num_instances', 0, ValueError, '>= 1'),
        ('train_dataloader.batch_sampler.num_instances', '4', TypeError, 'an integer'),
        (
            'train_dataloader.batch_sampler.num_instances',
            5,
            ValueError,
            'batch_size=64 must be a multiple',
        ),
        ('test_dataloader.batch_size', 0, ValueError, '>= 1'),
        ('train_dataloader.num_workers', -1, ValueError, '>= 0'),
        ('val_dataloader.num_workers', 'two', TypeError, 'an integer'),
        ('train_cfg.max_epochs', 0, ValueError, '>= 1'),
        ('train_cfg.max_epochs', 'ten', TypeError, 'an integer'),
        ('train_cfg.val_interval', 0.5, TypeError, 'an integer'),
        ('optim_wrapper.optimizer.lr', -1e-3, ValueError, '> 0'),
        ('optim_wrapper.optimizer.lr', float('nan'), ValueError, 'finite'),
        ('optim_wrapper.optimizer.lr', '1e-3', TypeError, 'a number'),
        ('param_scheduler', 'cosine', TypeError, 'a list of dicts'),
        ('param_scheduler', [dict(end=3)], TypeError, r'param_scheduler\[0\] .*`type`'),
        ('param_scheduler', [dict(type='CosineAnnealingLR')], ValueError, r'\[0\] .*has no `end`'),
        (
            'param_scheduler',
            [dict(type='LinearLR', begin=3, end=3)],
            ValueError,
            'end=3 must be greater than begin=3',
        ),
        ('param_scheduler.0.end', 'last', TypeError, r'param_scheduler\[0\].end'),
        ('param_scheduler.9.end', 5, ValueError, 'param_scheduler.9.end=5 does not fit'),
        ('train_dataloader.batch_size.two', 5, ValueError, 'does not fit'),
        ('model', 5, TypeError, 'model must be a dict'),
        ('optim_wrapper', 'Adam', TypeError, 'optim_wrapper must be a dict'),
        ('val_evaluator', 5, TypeError, 'val_evaluator must be a dict or a list'),
        ('model.head', None, ValueError, 'model.head is missing'),
        ('val_dataloader.dataset', 'market1501', ValueError, 'val_dataloader.dataset is missing'),
    ],
)
def test_the_key_is_named(key, value, error, words):
    with pytest.raises(error, match=words) as caught:
        load_config(HEADLINE, options={key: value})
    assert key.split('.')[0] in str(caught.value)


def test_schedules_of_several_optimizers():
    cfg = load_config(HEADLINE)
    cfg.param_scheduler = dict(
        a=[dict(type='MultiStepLR', milestones=[1])], b=dict(type='PolyLR', power=1)
    )
    with pytest.raises(ValueError, match=r'param_scheduler\.b \(PolyLR\) has no `end`'):
        check_values(cfg)
    cfg.param_scheduler.b.end = 4
    assert check_values(cfg) is None


def test_images_of_an_identity_in_a_wrapped_sampler():
    inner = dict(type='PKBatchSampler', num_instances=4)
    assert images_of_an_identity(dict(batch_sampler=inner)) == 4
    assert images_of_an_identity(dict(batch_sampler=dict(type='Other', batch_sampler=inner))) == 4
    assert images_of_an_identity(dict(batch_sampler=None)) == images_of_an_identity({}) == 1


@pytest.mark.parametrize(
    'text, error, words',
    [
        ('model = dict(', ValueError, 'SyntaxError'),
        ('a = 1 / 0', ValueError, 'ZeroDivisionError'),
        ('a = b', ValueError, "NameError.*'b'"),
        ('_base_ = 5', ValueError, 'TypeError'),
        ("_base_ = './nowhere.py'", FileNotFoundError, 'nowhere.py'),
        ('\0', ValueError, 'null'),
        ('a = "\udcff"', ValueError, 'UnicodeDecodeError'),
        ("custom_imports = dict(imports=['no_such_module'])", ImportError, 'no_such_module'),
        ('a = 5', ValueError, 'train_dataloader.dataset is missing'),
    ],
)
def test_a_file_that_is_no_config_is_named(tmp_path, text, error, words):
    path = tmp_path / 'mine.py'
    path.write_bytes(text.encode(errors='surrogateescape'))
    with pytest.raises(error, match=words) as caught:
        load_config(str(path))
    assert 'mine.py' in str(caught.value) or error is ImportError or 'dataset' in words


def test_a_file_of_another_kind_is_no_config(tmp_path):
    (tmp_path / 'mine.txt').write_text('a = 5')
    with pytest.raises(ValueError, match='mine.txt cannot be read as a config'):
        load_config(str(tmp_path / 'mine.txt'))


def test_a_missing_data_set_is_named(tmp_path):
    options = tiny_options(tmp_path / 'nowhere')
    for loader in ('train', 'val', 'test'):
        for key in [key for key in options if key.startswith(f'{loader}_dataloader.dataset.')]:
            if key.split('.')[2] not in ('data_root', 'pipeline'):
                del options[key]
        options[f'{loader}_dataloader.dataset.type'] = 'reid_fusedloss.Market1501'
    with pytest.raises(FileNotFoundError, match='nowhere of Market1501 does not exist.*data_root'):
        count_identities(load_config(DEMO, options=options))


def test_only_a_num_classes_that_is_there_is_counted(tmp_path):
    """A head of the user's own may not take it."""
    cfg = load_config(DEMO, options=tiny_options(tmp_path / 'data'))
    count_identities(cfg)
    assert cfg.model.head.num_classes == 6
    del cfg.model.head['num_classes']
    count_identities(cfg)
    assert 'num_classes' not in cfg.model.head


def test_identities_of_data_sets_of_mmpretrain_are_counted(tmp_path, make_images):
    cfg = load_config(DEMO, options=tiny_options(tmp_path / 'data'))
    for name in ('anna', 'ben', 'carl'):
        make_images(tmp_path / 'own' / name, ['1.jpg', '2.jpg'])
    folders = dict(type='CustomDataset', data_root=str(tmp_path / 'own'), pipeline=[])
    for dataset in (folders, dict(type='RepeatDataset', dataset=folders, times=2)):
        cfg.train_dataloader['dataset'], cfg.model.head.num_classes = dataset, None
        count_identities(cfg)
        assert cfg.model.head.num_classes == 3
    (tmp_path / 'list.txt').write_text('anna/1.jpg 0\nben/1.jpg 1\n')
    cfg.train_dataloader.dataset = dict(folders, ann_file=str(tmp_path / 'list.txt'))
    cfg.model.head.num_classes = None
    with pytest.raises(ValueError, match='CustomDataset does not say how many identities'):
        count_identities(cfg)
