"""Which layout a file has, what is left over, and what is refused."""

import re

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from reid_fusedloss.conversion import LAYOUTS, compare, convert, detect, read_state_dict
from reid_fusedloss.conversion.rename import UNKNOWN
from reid_fusedloss.engine.testing import adopt_identities
from reid_fusedloss.models import BNNeckHead
from tests.configs.loading import resolve
from tests.conversion.formula import RECORDED, read_record

RECORDS = sorted(path.stem for path in RECORDED.glob('*.npz'))
SIE = 'base.sie_embed'


def weights_of(name):
    """Zeros under the names of an original; of several sizes, one suffices to read them."""
    return {key: torch.zeros(shape) for key, shape in read_record(name)[0].items()}


@pytest.mark.parametrize('name', RECORDS)
def test_one_layout_alone_matches(name):
    names = read_record(name)[0].keys()
    assert sum(matches(names) for matches, _ in LAYOUTS.values()) == 1


def test_ours_have_no_layout():
    weights = {
        'backbone.conv1.weight': torch.zeros(1),
        'backbone.layer1.0.conv1.weight': torch.zeros(1),
        'neck.p': torch.zeros(1),
        'head.bn.weight': torch.zeros(1),
    }
    assert detect(weights) is None
    with pytest.raises(ValueError, match='need no conversion'):
        convert(weights)


def test_everything_is_taken_or_left_over_with_a_reason():
    weights = weights_of('fastreid_sbs_r50_ibn') | {'heads.extra': torch.zeros(1)}
    converted = convert(weights)
    assert len(converted.weights) + len(converted.left_over) == len(weights)
    assert converted.left_over.pop('heads.extra') == UNKNOWN
    assert converted.left_over == {
        'pixel_mean': 'set in the config, model.data_preprocessor',
        'pixel_std': 'set in the config, model.data_preprocessor',
        **{
            f'backbone.NL_{place}.W.0.bias': 'folded into the mean of the following normalisation'
            for place in ('2.0', '2.1', '3.0', '3.1', '3.2')
        },
    }
    text = convert(weights).summary()
    assert 'fastreid' in text and '8 left over' in text and 'heads.extra' in text


def test_the_local_branch_of_jpm_is_left_over():
    converted = convert(weights_of('transreid_jpm_sie_stride12'), camera=0)
    reasons = converted.left_over
    assert reasons['b2.0.norm1.weight'] == reasons['classifier_4.weight'] == 'local branch'
    assert 'b1 takes its place' in reasons['base.blocks.2.norm1.weight']
    assert not any(key.startswith(('b1.', 'bottleneck.')) for key in reasons)


def test_a_camera_is_added_to_all_positions():
    weights = weights_of('transreid_jpm_sie_stride12')
    weights[SIE] = torch.arange(6.0).reshape(6, 1, 1).expand(6, 1, 48)
    chosen, mean = convert(weights, camera=5), convert(weights)
    assert (chosen.weights['backbone.pos_embed'] == 15).all()
    assert (mean.weights['backbone.pos_embed'] == 7.5).all()
    assert 'differ from those of the original' in mean.summary() and not mean.exact
    assert 'differ from those of the original' not in chosen.summary() and chosen.exact
    assert convert(weights_of('transreid_plain')).exact


@pytest.mark.parametrize('camera, error', [(6, ValueError), (-1, ValueError), (1.0, TypeError)])
def test_wrong_camera(camera, error):
    with pytest.raises(error, match='camera'):
        convert(weights_of('transreid_jpm_sie_stride12'), camera=camera)


def test_camera_of_a_layout_without():
    with pytest.raises(ValueError, match='camera=1 is for weights of TransReID'):
        convert(weights_of('transreid_plain'), camera=1)


@pytest.mark.parametrize(
    'layout, message',
    [
        ('mystery', "layout must be one of .*, got 'mystery'"),
        ('fastreid', 'not this layout, but transreid'),
    ],
)
def test_wrong_layout(layout, message):
    with pytest.raises(ValueError, match=message):
        convert(weights_of('transreid_plain'), layout)


@pytest.mark.parametrize('layout', ['auto', 'fastreid'])
def test_another_network(layout):
    weights = nn.Sequential(nn.Linear(2, 3)).state_dict()
    assert detect(weights) is None
    with pytest.raises(ValueError, match=r'0\.weight, 0\.bias'):
        convert(weights, layout)


@pytest.mark.parametrize(
    'name, extra',
    [
        ('strong_baseline_r50', 'base.layer1.0.se_module.fc1.weight'),
        ('fastreid_bot_r50', 'backbone.layer1.0.se.fc.0.weight'),
        ('torchreid_resnet50_fc512', 'layer1.0.IN.weight'),
        ('torchreid_mobilenetv2_x1_0', 'conv9.extra.weight'),
        ('tonylins_mobilenetv2', 'features.19.weight'),
        ('transreid_plain', 'base.extra.weight'),
    ],
)
def test_a_layer_more_in_the_backbone_is_refused(name, extra):
    with pytest.raises(ValueError, match=f'1 weights of the backbone have no counterpart.*{extra}'):
        convert(weights_of(name) | {extra: torch.zeros(1)})


def test_several_layers_behind_the_pooling_are_refused():
    """With the first alone features would be others."""
    more = {'fc.3.weight': torch.zeros(4, 512), 'fc.3.bias': torch.zeros(4)}
    with pytest.raises(ValueError, match='2 weights.*fc.3.weight'):
        convert(weights_of('torchreid_resnet50_fc512') | more)


def test_two_names_for_one_of_ours_are_refused():
    weights = weights_of('fastreid_bot_r50')
    with pytest.raises(
        ValueError, match='heads.weight and heads.classifier.weight.*both head.classifier.weight'
    ):
        convert(weights | {'heads.classifier.weight': weights['heads.weight']})


@pytest.mark.slow
@pytest.mark.parametrize(
    'name, lost',
    [
        ('torchreid_osnet_x0_25', 'conv5.conv.weight'),
        ('transreid_plain', 'base.pos_embed'),
        ('torchreid_mobilenetv2_x1_0', 'conv9.conv.weight'),
        ('tonylins_mobilenetv2', 'features.0.0.weight'),
    ],
)
def test_a_file_that_is_cut_off(name, lost):
    weights = weights_of(name)
    del weights[lost]
    with pytest.raises(
        ValueError, match=f'incomplete, or of another network .*{lost.split(".")[-1]}'
    ):
        convert(weights)


def test_osnet_ain_keeps_its_distance():
    """That it is trained for, whatever its width."""
    converted = convert(weights_of('torchreid_osnet_ain_x0_25'))
    cfg = resolve(converted.config)
    cfg.merge_from_dict(converted.options)
    assert (cfg.test_evaluator.distance, cfg.model.backbone.variant) == ('cosine', 'ain')
    assert cfg.model.backbone.widen_factor == 0.25
    assert 'widen_factor="0.25"' in converted.command()
    assert converted.command() in converted.summary()


def test_torchreids_resnet_with_ibn():
    """The names of its backbone are IBN-Net's, as those of reid-strong-baseline are."""
    weights = {
        key.removeprefix('base.'): value
        for key, value in weights_of('strong_baseline_r50_ibn').items()
        if re.match(r'base\.(?!fc)|classifier', key)
    }
    converted = convert(weights)
    assert converted.layout == 'torchreid_resnet'
    assert len(converted.weights) == len(weights)
    cfg = resolve(converted.config)
    cfg.merge_from_dict(converted.options)
    cfg.model.backbone.init_cfg = None
    adopt_identities(cfg, converted.weights)
    fit = compare(converted.weights, MODELS.build(cfg.model).state_dict())
    assert fit.missing in ([], ['head.classifier.bias']) and not fit.unknown and not fit.shapes


@pytest.mark.slow
@pytest.mark.parametrize('name', [name for name in RECORDS if 'sie' not in name])
def test_weights_older_than_the_count_of_batches(name):
    """PyTorch before 0.4.1 wrote none."""
    weights = weights_of(name)
    older = {
        key: value for key, value in weights.items() if not key.endswith('num_batches_tracked')
    }
    found, own = convert(older).weights, convert(weights).weights
    fit = compare(found, own)
    fit.check()
    assert not fit.missing and {key.rsplit('.')[-1] for key in own.keys() - found.keys()} <= {
        'num_batches_tracked'
    }


def test_vit_small_is_refused():
    weights = {
        key: value
        for key, value in weights_of('transreid_plain').items()
        if not key.endswith('qkv.bias')
    }
    with pytest.raises(ValueError, match='vit_small'):
        convert(weights)


def test_other_normalisation_of_fastreid_is_an_option():
    weights = weights_of('fastreid_bot_r50')
    usual = dict(
        pixel_mean=torch.tensor([123.675, 116.28, 103.53]).reshape(1, 3, 1, 1),
        pixel_std=torch.tensor([58.395, 57.12, 57.375]).reshape(1, 3, 1, 1),
    )
    assert convert(weights | usual).options == {}
    other = weights | usual | dict(pixel_mean=torch.full((1, 3, 1, 1), 127.5))
    assert convert(other).options == {'model.data_preprocessor.mean': [127.5] * 3}


def test_older_names_of_fastreid():
    """Version 0.1: heads.bnneck, heads.classifier."""
    weights = weights_of('fastreid_bot_r50')
    older = {
        key.replace('bottleneck.0', 'bnneck').replace('heads.w', 'heads.classifier.w'): value
        for key, value in weights.items()
    }
    assert older.keys() != weights.keys()
    assert convert(older).weights.keys() == convert(weights).weights.keys()


@pytest.mark.parametrize(
    'wrap',
    [
        lambda state: state,
        lambda state: dict(state_dict=state, epoch=3),
        lambda state: dict(model=dict(state_dict=state)),
        lambda state: dict(net={f'module.{key}': value for key, value in state.items()}),
        lambda state: {key: value.numpy() for key, value in state.items()},
    ],
)
def test_wrappings(wrap):
    state = BNNeckHead(
        3,
        4,
        dict(
            type='reid_fusedloss.FusedLoss',
            terms=dict(id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0)),
        ),
    ).state_dict()
    found = read_state_dict(wrap(state))
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], value) for key, value in state.items())


def test_a_whole_module():
    module = nn.Linear(2, 3)
    assert read_state_dict(dict(model=module)).keys() == {'weight', 'bias'}


@pytest.mark.parametrize('checkpoint', [[1], 3, {}, dict(epoch=3), dict(state_dict={})])
def test_no_weights(checkpoint):
    with pytest.raises(ValueError, match='the checkpoint holds'):
        read_state_dict(checkpoint)


def test_fit():
    own = {
        'backbone.a': torch.zeros(2),
        'backbone.pos_embed': torch.zeros(1, 9, 2),
        'head.classifier.weight': torch.zeros(3, 2),
    }
    fits = {
        'backbone.a': torch.zeros(2),
        'backbone.pos_embed': torch.zeros(1, 5, 2),
        'head.classifier.weight': torch.zeros(7, 2),
    }
    compare(fits, own).check()
    with pytest.raises(ValueError, match=r'backbone.a: \(1,\) in the file, \(2,\) in the model'):
        compare(fits | {'backbone.a': torch.zeros(1)}, own).check()
    with pytest.raises(ValueError, match=r'pos_embed: \(1, 4, 2\)'):
        compare(fits | {'backbone.pos_embed': torch.zeros(1, 4, 2)}, own).check()
    with pytest.raises(ValueError, match=r'no place for 1 weights of the file \(backbone.b'):
        compare(fits | {'backbone.b': torch.zeros(1)}, own).check()
    compare(fits | {'neck.p': torch.zeros(1)}, own).check()
    head = compare(
        fits | {'head.bn.weight': torch.zeros(5)}, own | {'head.bn.weight': torch.zeros(2)}
    )
    head.check()  # it starts anew
    assert head.shapes == {'head.bn.weight': ((5,), (2,))}
    del fits['backbone.a']
    with pytest.raises(ValueError, match='1 weights of the backbone are not in the file'):
        compare(fits, own).check()


def transreid_of(blocks, channels, patches):
    """Weights of TransReID without values, of a network of this size."""
    sizes = {48: channels, 144: 3 * channels, 192: 4 * channels, 33: patches + 1}
    shapes = read_record('transreid_plain')[0]
    layer = {key: shape for key, shape in shapes.items() if key.startswith('base.blocks.0.')}
    shapes = {key: shape for key, shape in shapes.items() if not key.startswith('base.blocks.')}
    for block in range(blocks):
        shapes |= {
            key.replace('blocks.0', f'blocks.{block}'): shape for key, shape in layer.items()
        }
    return {
        key: torch.empty([sizes.get(size, size) for size in shape], device='meta')
        for key, shape in shapes.items()
    }


@pytest.mark.parametrize(
    'channels, patches, stride, size',
    [
        (768, 16 * 8, 16, (256, 128)),
        (768, 21 * 10, 12, (256, 128)),
        (384, 24 * 8, 16, (384, 128)),
        (384, 31 * 10, 12, (384, 128)),
        (768, 21 * 21, 12, (256, 256)),
    ],
)
def test_the_config_that_is_named_fits(channels, patches, stride, size):
    converted = convert(transreid_of(12, channels, patches))
    cfg = resolve(converted.config)
    cfg.merge_from_dict(converted.options)
    assert cfg.model.backbone.patch_cfg.stride == stride
    assert tuple(cfg.model.backbone.img_size) == size
    assert tuple(cfg.test_dataloader.dataset.pipeline.resize.scale) == size[::-1]
    adopt_identities(cfg, converted.weights)
    with torch.device('meta'):
        fit = compare(converted.weights, MODELS.build(cfg.model).state_dict())
    assert not fit.missing and not fit.unknown and not fit.shapes


def test_no_config_is_named_for_other_networks():
    converted = convert(transreid_of(6, 768, 128))
    assert converted.config is None and 'backbone.layers.5.ln1.weight' in converted.weights
