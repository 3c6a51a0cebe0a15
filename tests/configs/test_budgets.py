"""A budget changes what a run costs and leaves what a row is about."""

import json
import math

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.runner import Runner

from reid_fusedloss.engine.budget import apply_budget, read_budget
from tests.configs.loading import PAPER, ROOT, changes, differences, parent, resolve, shrink

BUDGETS_DIR = ROOT / '_base_' / 'budgets'
BUDGETS = sorted(path.stem for path in BUDGETS_DIR.glob('*.py'))
# what a budget may change
COST = (
    'model.backbone.',
    'model.head.in_channels',
    'param_scheduler',
    'train_cfg.',
    'default_hooks.logger.interval',
    'default_hooks.channels_last',
    'optim_wrapper.optimizer.lr',
    'dataset.max_ids',
    'num_workers',
    'pipeline.resize.scale',
    'pipeline.crop.',
)
# ImageNet weights that want another normalisation; what is erased is 0 after it
FOR_LITE0 = ('model.data_preprocessor.', 'erase.fill_color')
FOR_VEHICLES = ('train_dataloader.batch_size', 'train_dataloader.batch_sampler.num_instances')

OWN = dict(cpu_vehicles=FOR_VEHICLES, cpu_market_lite0=FOR_LITE0)


def within(name, budget):
    cfg = resolve(name)
    apply_budget(cfg, read_budget(budget, BUDGETS_DIR))
    return cfg


@pytest.mark.parametrize('budget', BUDGETS)
def test_changes_the_cost_alone(budget):
    before, after = resolve('paper/fusedloss_r50'), within('paper/fusedloss_r50', budget)
    allowed = COST + OWN.get(budget, ())
    for key in differences(before.to_dict(), after.to_dict()):
        assert any(part in key for part in allowed), key
    assert after.train_cfg.max_epochs < before.train_cfg.max_epochs
    assert after.val_dataloader == after.test_dataloader
    assert after.model.backbone.strides == before.model.backbone.strides


@pytest.mark.slow
@pytest.mark.parametrize('budget', BUDGETS)
def test_rows_differ_from_their_parents_by_their_labels(budget):
    for name in PAPER:
        if name.startswith('paper/table6/') and budget == 'cpu_vehicles':
            continue
        base = parent(name)
        smaller = differences(within(base, budget).to_dict(), within(name, budget).to_dict())
        assert smaller == changes(name, base), name


@pytest.mark.parametrize('budget', BUDGETS)
def test_last_stride_doubles_the_map_and_the_neck_normalises(budget):
    if 'lite' in budget:
        pytest.importorskip('timm')
    maps, heads = {}, {}
    for row in ('4_ls', '5_stride1', '6_bn'):
        cfg = within(f'paper/table2/{row}', budget)
        cfg.model.backbone.init_cfg = None
        cfg.model.head.num_classes = 3
        model = MODELS.build(cfg.model)
        model.eval()
        width, height = cfg.train_dataloader.dataset.pipeline.resize.scale
        with torch.no_grad():
            maps[row] = model.backbone(torch.zeros(1, 3, height, width))[-1].shape
            assert model(torch.zeros(1, 3, height, width), mode='tensor').shape == maps[row][:2]
        heads[row] = hasattr(model.head, 'bn')
        stride = 32 if row == '4_ls' else 16
        assert maps[row][2:] == (math.ceil(height / stride), math.ceil(width / stride))
    assert maps['5_stride1'] == maps['6_bn']
    assert heads == {'4_ls': False, '5_stride1': False, '6_bn': True}


def test_what_is_erased_is_zero_after_the_normalisation_of_a_budget():
    cfg = within('paper/fusedloss_r50', 'cpu_market_lite0')
    mean = resolve('backbones/efficientnet_lite0').model.data_preprocessor.mean
    assert cfg.model.data_preprocessor.mean == mean
    assert list(cfg.train_dataloader.dataset.pipeline.erase.fill_color) == mean[::-1]


def test_lite0_trains_as_long_as_mobilenetv2():
    lite0, mobilenet = (
        within('strong/recipe', budget) for budget in ('cpu_market_lite0', 'cpu_market_24e')
    )
    assert lite0.param_scheduler == mobilenet.param_scheduler
    assert lite0.train_cfg == mobilenet.train_cfg and lite0.train_cfg.max_epochs == 24


def test_weights_are_those_of_the_mobilenet_configs():
    backbone = within('paper/fusedloss_r50', 'cpu_market').model.backbone
    assert backbone.init_cfg == resolve('mobilenetv2/fused_256x128').model.backbone.init_cfg


@pytest.mark.slow
def test_a_row_trains_within_a_budget(tmp_path):
    """In a run warm-up and cosine go by iterations."""
    cfg = resolve('paper/table3/4_id_triplet_center', 'synthetic')
    apply_budget(cfg, read_budget('cpu_synthetic', BUDGETS_DIR))
    shrink(cfg, tmp_path / 'data')
    cfg.merge_from_dict(
        {
            'train_dataloader.batch_size': 32,
            'work_dir': str(tmp_path),
            'default_hooks.logger.interval': 1,
            'default_hooks.checkpoint': None,
        }
    )
    cfg.test_dataloader = cfg.val_dataloader = cfg.val_evaluator = cfg.test_evaluator = None
    cfg.val_cfg = cfg.test_cfg = None
    Runner.from_cfg(cfg).train()
    lines = next(tmp_path.rglob('scalars.json')).read_text().splitlines()
    found = [json.loads(line)['lr'] for line in lines]
    steps = len(found) // 24
    warm_up = [0.1 + 0.9 * step / (steps - 1) for step in range(steps)]
    cosine = [
        0.01 + 0.99 * (1 + math.cos(math.pi * step / (23 * steps))) / 2
        for step in range(23 * steps)
    ]
    assert found == pytest.approx([2e-3 * factor for factor in warm_up + cosine], rel=1e-3)


@pytest.mark.parametrize(
    'name', ['bot/bot_triplet_center', 'mobilenetv2/fused_256x128', 'variants/epoch_images']
)
def test_fits_configs_beside_the_papers(name):
    cfg = within(name, 'cpu_synthetic' if name.startswith('variants/') else 'cpu_market')
    assert cfg.model.head.loss == resolve(name).model.head.loss
    assert cfg.train_dataloader.batch_sampler == resolve(name).train_dataloader.batch_sampler
    cfg.model.backbone.init_cfg = None
    assert MODELS.build(cfg.model.backbone) is not None
