"""Every config: loads for every data set, dumps, builds, takes a step, and says how it is run."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS
from mmengine.runner import Runner

from reid_fusedloss.engine.config_keys import RUNNER_KEYS, check_keys
from reid_fusedloss.engine.training.batches import divided
from reid_fusedloss.scope import find_config, list_configs
from tests.configs.loading import CONFIGS, DATASET_NAMES, header, resolve, shrink


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    return tmp_path_factory.mktemp('synthetic') / 'data'


def test_stems_are_unique():
    """The default work_dir is named by the stem alone."""
    stems = [Path(name).name for name in CONFIGS]
    assert len(set(stems)) == len(stems)


@pytest.mark.slow
@pytest.mark.parametrize('name', CONFIGS)
def test_loads_for_every_data_set(name):
    kinds = set()
    for dataset in DATASET_NAMES:
        cfg = resolve(name, dataset)
        assert cfg.train_dataloader.dataset.split == 'train'
        assert cfg.val_dataloader == cfg.test_dataloader
        kinds.add((cfg.train_dataloader.dataset.type, cfg.test_dataloader.dataset.data_root))
    assert len(kinds) == len(DATASET_NAMES)


@pytest.mark.parametrize('name', CONFIGS)
def test_dumps_and_reloads(name, tmp_path):
    cfg = resolve(name)
    Config(cfg.to_dict(), format_python_code=False).dump(tmp_path / 'dumped.py')
    assert Config.fromfile(tmp_path / 'dumped.py').to_dict() == cfg.to_dict()


@pytest.mark.parametrize('name', CONFIGS)
def test_has_no_key_that_nothing_reads(name):
    cfg = resolve(name)
    check_keys(cfg)
    assert set(cfg.keys()) <= RUNNER_KEYS


@pytest.mark.slow
@pytest.mark.parametrize('name', CONFIGS)
def test_takes_a_step(name, drawn):
    """All that can be trained is trained, by the terms that weigh something."""
    torch.manual_seed(0)
    cfg = shrink(resolve(name, 'synthetic'), drawn)
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    model = MODELS.build(cfg.model)
    model.train()
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    losses = model.train_step(next(iter(loader)), optimizer)
    if (
        'non_local' in cfg.model.backbone
    ):  # it starts as the identity: its inside learns from now on
        losses = model.train_step(next(iter(loader)), optimizer)
    terms = {key for key, term in cfg.model.head.loss.terms.items() if term.weight > 0}
    assert set(losses) == {'loss'} | {f'loss_{term}' for term in terms}
    assert all(loss.isfinite() for loss in losses.values())
    still = {key for key, value in model.named_parameters() if torch.equal(value, before[key])}
    assert still == {key for key, value in model.named_parameters() if not value.requires_grad}
    model.eval()
    embedding = model(torch.rand(2, 3, 32, 16), mode='tensor')
    head = cfg.model.head
    assert embedding.shape == (2, head.get('embedding_dims') or head.in_channels)


@pytest.mark.parametrize('name', CONFIGS)
def test_terms_that_are_off_can_be_switched_on(name):
    """A term of weight 0 is not built, so what is wrong in it would come out late."""
    loss = resolve(name).model.head.loss
    for term in loss.terms.values():
        term.weight = 1.0
    built = MODELS.build(dict(loss, num_classes=3, feat_dims=4))
    assert set(built.terms) == set(loss.terms)


@pytest.mark.parametrize('name', CONFIGS)
def test_header_says_how_it_is_run(name):
    command = next(line.split() for line in header(name).splitlines() if line.startswith('  '))
    assert f'configs/{name}.py' in command or list_configs()[name] == find_config(command[2])
    if '--dataset' in command:
        assert command[command.index('--dataset') + 1] in DATASET_NAMES
    processes = int(command[2]) if command[0] == 'tools/dist_train.sh' else 1
    divided(resolve(name).train_dataloader, processes)


def test_erased_pixels_are_zero_after_normalisation():
    """The fill is the mean in BGR order, the order of the image when it is erased."""
    cfg = resolve('paper/fusedloss_r50')
    fill = cfg.train_dataloader.dataset.pipeline.erase.fill_color
    mean, std = cfg.model.data_preprocessor.mean, cfg.model.data_preprocessor.std
    assert list(fill) == list(mean)[::-1]
    for value, centre, scale in zip(fill[::-1], mean, std):
        assert abs((int(value) - centre) / scale) < 0.02


def test_erasing_of_the_strong_baseline():
    """There 0.485, 0.456, 0.406 (RGB) are written after normalising."""
    cfg = resolve('bot/bot_triplet')
    fill = cfg.train_dataloader.dataset.pipeline.erase.fill_color
    mean, std = cfg.model.data_preprocessor.mean, cfg.model.data_preprocessor.std
    written = [(value - centre) / scale for value, centre, scale in zip(fill[::-1], mean, std)]
    assert written == pytest.approx([0.485, 0.456, 0.406], abs=0.01)


def test_headers_name_only_configs_that_exist():
    named = {found for name in CONFIGS for found in re.findall(r'\b([\w-]+)\.py\b', header(name))}
    known = {Path(name).name for name in CONFIGS} | {'convert_checkpoint', 'train', 'test', 'demo'}
    assert named <= known
