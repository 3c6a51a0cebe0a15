"""A key that is misspelt in a config stops the run, wherever it stands."""

import inspect

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from reid_fusedloss import registry
from reid_fusedloss.engine.config import load_config
from reid_fusedloss.engine.config_keys import check_keys
from tests.configs.loading import ROOT
from tests.tiny import tiny_config

PARENT = ROOT / 'paper' / 'table4' / '4_circle_triplet_center.py'
TINY = dict(
    model__backbone__depth=18,
    model__backbone__init_cfg=None,
    train_cfg__max_epochs=1,
    train_cfg__val_interval=2,
    default_hooks__checkpoint__interval=-1,
)
# the misspelt name, and what a config that inherits from a row writes
MISTAKES = {
    # at the top of a config
    'optim_wraper': 'optim_wraper = dict(optimizer=dict(lr=1.0))',
    'train_dataloder': 'train_dataloder = dict(batch_size=8)',
    'param_schedulers': 'param_schedulers = []',
    'test_evaluators': 'test_evaluators = dict(ap="trapezoid")',
    'train_config': 'train_config = dict()',
    'custom_hook': 'custom_hook = []',
    'randomnes': 'randomnes = dict(seed=1)',
    'load_form': 'load_form = "weights.pth"',
    # where MMEngine reads key by key
    'cudnn_benchmrk': 'env_cfg = dict(cudnn_benchmrk=True)',
    'norm_decay_mul': 'optim_wrapper = dict(paramwise_cfg=dict(norm_decay_mul=0.0))',
    # everywhere else
    'nek': 'model = dict(nek=dict(type="GlobalAveragePooling"))',
    'stride': 'model = dict(backbone=dict(stride=(1, 2, 2, 1)))',
    'men': 'model = dict(data_preprocessor=dict(men=[0, 0, 0]))',
    'test_featur': 'model = dict(head=dict(test_featur="pooled"))',
    'term': 'model = dict(head=dict(loss=dict(term=dict())))',
    'tripet': 'model = dict(head=dict(loss=dict(terms=dict(tripet=dict(weight=0.0)))))',
    'wieght': 'model = dict(head=dict(loss=dict(terms=dict(triplet=dict(wieght=2.0)))))',
    'gama': 'model = dict(head=dict(loss=dict(terms=dict(circle=dict(gama=1)))))',
    'batchsize': 'train_dataloader = dict(batchsize=8)',
    'num_instance': 'train_dataloader = dict(batch_sampler=dict(num_instance=2))',
    'splt': 'train_dataloader = dict(dataset=dict(splt="train"))',
    'erasing': 'train_dataloader = dict(dataset=dict(pipeline=dict(erasing=dict(erase_prob=0.0))))',
    'prob': 'train_dataloader = dict(dataset=dict(pipeline=dict(erase=dict(prob=0.0))))',
    'optimiser': 'optim_wrapper = dict(optimiser=dict(lr=1.0))',
    'beta': 'optim_wrapper = dict(optimizer=dict(beta=(0.9, 0.999)))',
    'max_epoch': 'train_cfg = dict(max_epoch=3)',
    'milestone': 'param_scheduler = [dict(type="MultiStepLR", milestone=[1], milestones=[1])]',
    're_rank': 'val_evaluator = dict(re_rank=dict(k1=20))',
    'intervall': 'default_hooks = dict(logger=dict(intervall=1))',
    'chekpoint': 'default_hooks = dict(chekpoint=dict(interval=5))',
    'sead': 'randomness = dict(sead=1)',
}


def child(folder, line):
    path = folder / 'mine.py'
    path.write_text(f"_base_ = '{PARENT}'\n{line}\n")
    return str(path)


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    return tmp_path_factory.mktemp('data') / 'synthetic'


def train(folder, data_root, line):
    cfg = tiny_config(data_root, folder / 'work', child(folder, line), **TINY)
    check_keys(cfg)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


@pytest.fixture(autouse=True)
def _synthetic(monkeypatch):
    monkeypatch.setenv('REID_DATASET', 'synthetic')


@pytest.mark.slow
def test_without_a_mistake_it_trains(tmp_path, data_root):
    assert train(tmp_path, data_root, '').iter == 3


@pytest.mark.parametrize('name', MISTAKES)
def test_a_misspelt_key_stops_the_run(name, tmp_path, data_root):
    with pytest.raises((ValueError, TypeError, KeyError)) as caught:
        train(tmp_path, data_root, MISTAKES[name])
    # of a hook MMEngine says only that it has no type
    assert name in str(caught.value) or name == 'chekpoint' and '"type"' in str(caught.value)


def test_a_variable_of_the_author_is_no_mistake(tmp_path):
    path = child(tmp_path, 'size = (256, 128)\ndataset = dict()\ndataloader = dict()')
    check_keys(Config.fromfile(path))


def test_parameters_of_another_constructor_are_its_own():
    check_keys(
        Config(
            dict(
                optim_wrapper=dict(
                    constructor='LearningRateDecayOptimWrapperConstructor',
                    paramwise_cfg=dict(decay_rate=0.9),
                )
            )
        )
    )


@pytest.mark.parametrize('name', [name for name in vars(registry) if name.isupper()])
def test_our_classes_take_no_further_arguments(name):
    """What a class does not know it refuses."""
    found = getattr(registry, name)
    if not hasattr(found, 'module_dict'):
        return
    found.import_from_location()
    for kind in found.module_dict.values():
        if kind.__module__.startswith('reid_fusedloss'):
            parameters = inspect.signature(kind).parameters.values()
            assert not [p for p in parameters if p.kind is p.VAR_KEYWORD], kind


def test_keys_of_options_and_budgets_are_checked_too(tmp_path):
    config = str(ROOT / 'paper' / 'fusedloss_r50.py')
    with pytest.raises(ValueError, match='cudnn_benchmrk'):
        load_config(config, options={'env_cfg.cudnn_benchmrk': True})
    with pytest.raises(ValueError, match='norm_decay_mul'):
        load_config(config, options={'optim_wrapper.paramwise_cfg': dict(norm_decay_mul=0)})
    budget = tmp_path / 'mine.py'
    budget.write_text('env_cfg = dict(cudnn_benchmrk=True)')
    with pytest.raises(ValueError, match='cudnn_benchmrk'):
        load_config(config, budget=str(budget))
