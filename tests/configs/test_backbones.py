"""Other backbones and poolings: what their configs have to get right beside running."""

import math

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS
from torch.nn import functional as F

from reid_fusedloss.engine.budget import apply_budget, read_budget
from reid_fusedloss.engine.testing import drop_start_weights
from tests.configs.loading import CONFIGS, ROOT, changes, resolve, shrink
from tests.configs.test_schedules import rates

BACKBONES = [name for name in CONFIGS if name.startswith('backbones/')]
BUDGETS = sorted(path.stem for path in (ROOT / '_base_' / 'budgets').glob('*.py'))
OF_A_TRANSFORMER = ('backbones/vit_base', 'backbones/deit_small')


@pytest.mark.parametrize('name', BACKBONES)
def test_losses_and_data_are_the_headlines(name):
    """The backbone, what belongs to it and how it is optimised: nothing else."""
    allowed = (
        'model.backbone',
        'model.neck',
        'model.head.in_channels',
        'model.head.type',
        'model.data_preprocessor.',
        'optim_wrapper.',
        'param_scheduler',
        'train_dataloader.dataset.pipeline.erase.fill_color',
    )
    for key in changes(name, 'paper/fusedloss_r50'):
        assert key.startswith(allowed), key


@pytest.mark.parametrize('name', BACKBONES)
def test_erased_pixels_are_zero_after_normalisation(name):
    cfg = resolve(name)
    fill = cfg.train_dataloader.dataset.pipeline.erase.fill_color
    assert list(fill) == list(cfg.model.data_preprocessor.mean)[::-1]


@pytest.mark.parametrize('budget', BUDGETS)
def test_a_budget_refuses_what_it_would_replace(budget):
    budget = read_budget(budget, ROOT / '_base_' / 'budgets')
    for name in BACKBONES:
        cfg = resolve(name)
        if cfg.model.backbone.type.split('.')[-1] == 'ResNet':
            apply_budget(cfg, budget)
        else:
            with pytest.raises(ValueError, match=f'{name}.*{cfg.model.backbone.type}'):
                apply_budget(cfg, budget)


@pytest.mark.slow
@pytest.mark.parametrize('name', BACKBONES)
def test_a_checkpoint_needs_no_weights_to_start_from(name):
    """With them a test would read a file that is not there, or fetch one."""
    cfg = resolve(name)
    backbone = cfg.model.backbone
    assert backbone.get('init_cfg') or backbone.pretrained
    drop_start_weights(cfg)
    assert backbone.get('init_cfg') is None and not backbone.get('pretrained', False)


def test_classes_of_osnet_are_told_apart_around_a_mean_of_zero():
    """Behind a ReLU all features point the same way, and a step against it moves every class."""
    cfg = resolve('backbones/osnet_x0_25')
    cfg.model.backbone.init_cfg, cfg.model.head.num_classes = None, 3
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    with torch.no_grad():
        pooled = model.extract_feat(torch.randn(8, 3, 64, 32))[-1]
        read = model.head.tensors(pooled, model.head.loss_module.reads)['bn']
    mean, pairs = {}, ~torch.eye(8, dtype=torch.bool)
    for name, features in dict(pooled=pooled, bn=read).items():
        mean[name] = (F.normalize(features) @ F.normalize(features).T)[pairs].mean()
    assert mean['pooled'] > 0.2 and mean['bn'] < 0


@pytest.mark.parametrize('name', OF_A_TRANSFORMER)
def test_transreids_learning_rate(name):
    cfg = resolve(name)
    found = list(rates(cfg))
    assert found[:5] == pytest.approx([0.008 * (0.01 + 0.99 * epoch / 4) for epoch in range(5)])
    # MMEngine's warm-up ends one epoch early; from the 5th on a cosine from 1 down to 0.002
    assert found[5:] == pytest.approx(
        [
            0.008 * (0.002 + 0.998 * (1 + math.cos(math.pi * (epoch - 5) / 115)) / 2)
            for epoch in range(5, 120)
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize('name', OF_A_TRANSFORMER)
def test_positions_of_square_weights_are_resized(name, tmp_path):
    """From 4x4 patches to 8x4, rows along the height; the class token's stays."""
    cfg = shrink(resolve(name), tmp_path)
    small = dict(cfg.model.backbone, drop_path_rate=0.0)
    square = MODELS.build(dict(small, img_size=(64, 64)))
    down = torch.linspace(0, 1, 4).repeat_interleave(4)[None, :, None]
    state = {f'backbone.{key}': value for key, value in square.state_dict().items()}
    state['backbone.pos_embed'] = torch.cat([torch.full((1, 1, 8), 5.0), down.expand(1, 16, 8)], 1)
    torch.save(state, tmp_path / 'weights.pth')
    model = MODELS.build(
        dict(
            small,
            img_size=(128, 64),
            init_cfg=dict(
                type='Pretrained', checkpoint=str(tmp_path / 'weights.pth'), prefix='backbone.'
            ),
        )
    )
    model.init_weights()
    token, grid = model.pos_embed[0, 0], model.pos_embed[0, 1:].reshape(8, 4, 8)
    assert (token == 5).all()
    expected = F.interpolate(down.reshape(1, 1, 4, 4), (8, 4), mode='bicubic')[0, 0]
    assert torch.allclose(grid, expected[..., None].expand(8, 4, 8), atol=1e-6)
    assert torch.equal(model.layers[0].ffn.layers[1].weight, square.layers[0].ffn.layers[1].weight)


@pytest.mark.parametrize('name', ['variants/gem_fixed', 'variants/gem_learned'])
@pytest.mark.parametrize('dtype', [None, torch.bfloat16])
def test_gem_is_its_formula(name, dtype):
    """In float64, also under autocast, for features that are 0 too; p learns where it may."""
    neck = MODELS.build(resolve(name).model.neck)
    learns = name.endswith('learned')
    features = torch.rand(4, 6, 5, 3, generator=torch.Generator().manual_seed(0))
    features[:, 0] = 0.0  # a channel that no image opens
    if dtype is not None:
        features = features.to(dtype)
    features.requires_grad_()
    with torch.autocast('cpu', dtype or torch.bfloat16, enabled=dtype is not None):
        (pooled,) = neck((features,))
    expected = features.detach().double().clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)
    assert torch.allclose(pooled.double(), expected, rtol=1e-5 if dtype is None else 2e-2)
    pooled.sum().backward()
    assert features.grad.isfinite().all()
    assert neck.p.requires_grad == learns
    assert not learns or neck.p.grad.isfinite().all() and neck.p.grad != 0


def test_the_learned_exponent_does_not_decay(tmp_path):
    cfg = shrink(resolve('variants/gem_learned', 'synthetic'), tmp_path)
    model = MODELS.build(cfg.model)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    decay = {
        name: group['weight_decay']
        for group in groups
        for p in group['params']
        for name, own in model.named_parameters()
        if own is p
    }
    assert decay.pop('neck.p') == 0 and set(decay.values()) == {5e-4}
