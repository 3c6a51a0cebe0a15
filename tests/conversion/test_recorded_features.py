"""Features are those that the original projects' code gives for the same weights and images."""

import pytest

from reid_fusedloss.conversion import convert, detect
from tests.conversion.formula import assert_close, draw_images, draw_weights, read_record
from tests.conversion.models import build, features

TINY_VIT = dict(
    config='published/transreid_vit_base',
    model__backbone__img_size=(128, 64),
    model__backbone__arch=dict(
        _delete_=True, embed_dims=48, num_layers=3, num_heads=3, feedforward_channels=192
    ),
    model__head__in_channels=48,
)
PUBLISHED_STRIDES = dict(model__backbone__strides=(1, 2, 2, 2))
CASES = dict(
    strong_baseline_r50=('strong_baseline', {}, {}),
    strong_baseline_r50_ibn=('strong_baseline', {}, {}),
    fastreid_bot_r50=('fastreid', {}, {}),
    fastreid_sbs_r50=('fastreid', {}, {}),
    fastreid_sbs_r50_ibn=('fastreid', {}, {}),
    fastreid_bot_r18_ibn_embedding=('fastreid', {}, {}),
    torchreid_resnet50_fc512=('torchreid_resnet', {}, {}),
    torchreid_osnet_x0_25=('torchreid_osnet', {}, {}),
    torchreid_osnet_ibn_x1_0=('torchreid_osnet', {}, {}),
    torchreid_osnet_ain_x0_25=('torchreid_osnet', {}, {}),
    torchreid_mobilenetv2_x1_0=('torchreid_mobilenetv2', {}, {}),
    torchreid_mobilenetv2_x1_4=('torchreid_mobilenetv2', {}, {}),
    tonylins_mobilenetv2=('tonylins_mobilenetv2', {}, {}),
    efficientnet_lite0=('efficientnet_lite', {}, PUBLISHED_STRIDES),
    efficientnet_lite2=('efficientnet_lite', {}, PUBLISHED_STRIDES),
    transreid_plain=('transreid', {}, TINY_VIT),
    transreid_jpm_sie_stride12=(
        'transreid',
        dict(camera=4),
        dict(TINY_VIT, model__backbone__patch_cfg__stride=12),
    ),
)


# networks of 25 million weights, whose rules another case of the same project covers too
LARGE = {
    'strong_baseline_r50_ibn',
    'fastreid_bot_r50',
    'fastreid_sbs_r50_ibn',
    'efficientnet_lite2',
    'torchreid_mobilenetv2_x1_4',
}


@pytest.mark.parametrize(
    'name', [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in CASES]
)
def test_features_are_the_original_ones(name):
    layout, options, narrow = CASES[name]
    if layout == 'efficientnet_lite':
        pytest.importorskip('timm')
    shapes, recorded = read_record(name)
    weights = draw_weights(shapes, float(recorded.pop('gain')))
    images = draw_images(2, *recorded.pop('size'))
    assert detect(weights) == layout
    model = build(convert(weights, **options), **narrow)
    found = features(model, images, *recorded)
    assert set(found) == set(recorded)
    for kind, values in recorded.items():
        assert_close(found[kind], values)
