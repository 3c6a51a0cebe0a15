"""Every backbone, neck and head: the graph of a tiny one against PyTorch, at several batches."""

import numpy as np
import onnxruntime
import pytest
import torch
from mmengine.registry import MODELS
from torch.nn import functional as F

from reid_fusedloss.export import ModelCard
from reid_fusedloss.export.graph import EmbeddingGraph
from reid_fusedloss.export.trace import trace
from reid_fusedloss.export.workarounds import exportable

TERM = dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0)
LOSS = dict(type='reid_fusedloss.FusedLoss', terms=dict(id=TERM))
PARTWISE = dict(
    type='reid_fusedloss.PartwiseLoss',
    reads='logits',
    weight=1.0,
    loss=dict(type='torch.nn.CrossEntropyLoss'),
)
PCB_LOSS = dict(type='reid_fusedloss.FusedLoss', terms=dict(id=PARTWISE))
RESNET = dict(
    type='ResNet',
    depth=18,
    stem_channels=8,
    base_channels=8,
    strides=(1, 2, 2, 1),
    out_indices=(3,),
)
GAP, GEM = dict(type='GlobalAveragePooling'), dict(type='GeneralizedMeanPooling')


def bnneck(channels, **options):
    return dict(
        type='reid_fusedloss.BNNeckHead', num_classes=4, in_channels=channels, loss=LOSS, **options
    )


def pcb(**options):
    return dict(
        type='reid_fusedloss.PCBHead',
        num_classes=4,
        in_channels=64,
        loss=PCB_LOSS,
        part_dims=8,
        **options,
    )


CASES = dict(
    resnet_linear=(
        RESNET,
        GAP,
        dict(
            type='reid_fusedloss.LinearReIDHead',
            num_classes=4,
            in_channels=64,
            loss=LOSS,
            embedding_dims=16,
        ),
    ),
    resnet_gem=(RESNET, GEM, bnneck(64, embedding_dims=16, test_feature='pooled')),
    resnet_fastreid=(
        dict(
            RESNET, type='reid_fusedloss.ResNet', ibn=True, non_local=(0, 1, 1, 0), pool_ceil=True
        ),
        GEM,
        bnneck(64),
    ),
    resnet_pcb=(RESNET, None, pcb(num_parts=2, test_feature='bn')),
    resnet_pcb_overlapping=(RESNET, None, pcb(num_parts=3)),
    mobilenetv2=(
        dict(type='reid_fusedloss.MobileNetV2', strides=(1, 2, 2, 1), widen_factor=0.1),
        GAP,
        bnneck(1280),
    ),
    vit=(
        dict(
            type='VisionTransformer',
            img_size=(64, 32),
            patch_size=16,
            out_type='cls_token',
            arch=dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64),
        ),
        None,
        bnneck(32),
    ),
    swin=(
        dict(
            type='SwinTransformer',
            img_size=(64, 32),
            window_size=4,
            out_indices=(1,),
            arch=dict(embed_dims=16, depths=[2, 2], num_heads=[2, 4]),
        ),
        GAP,
        bnneck(32),
    ),
    convnext=(
        dict(
            type='ConvNeXt',
            arch=dict(depths=[1, 1], channels=[8, 16]),
            out_indices=(1,),
            gap_before_final_norm=False,
        ),
        GAP,
        bnneck(16),
    ),
    osnet=(dict(type='reid_fusedloss.OSNet', widen_factor=0.25), GAP, bnneck(128)),
)


def graph(name):
    """A network with statistics of its own, so that its batch normalisations do something."""
    backbone, neck, head = CASES[name]
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='ImageClassifier',
            data_preprocessor=dict(type='ClsDataPreprocessor'),
            backbone=backbone,
            neck=neck,
            head=head,
        )
    )
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    card = ModelCard(
        'inside',
        'rgb',
        (128.0,) * 3,
        (64.0,) * 3,
        'float32',
        (64, 32),
        'bilinear',
        'cv2',
        'cv2',
        1,
        True,
        'cosine',
        '',
        'reid_fusedloss',
        '',
    )
    return EmbeddingGraph(model, card, to_rgb=True).eval()


@pytest.mark.slow
@pytest.mark.parametrize(
    'name, exporter',
    [*((name, 'torchscript') for name in CASES), ('resnet_pcb_overlapping', 'dynamo')],
)
def test_exports(name, exporter):
    if exporter == 'dynamo':
        pytest.importorskip('onnxscript', reason='needs onnxscript')
    network = graph(name)
    model = trace(network, torch.zeros(2, 3, 64, 32), exporter)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for batch in (1, 2, 5):
        images = torch.rand(batch, 3, 64, 32) * 255
        with torch.no_grad():
            expected = network(images).numpy()
        (found,) = session.run(None, {'images': images.numpy()})
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert network.model.head.out_channels == found.shape[1]


@pytest.mark.parametrize('size', [(3, 1), (6, 1), (5, 3), 3, (2, 2), (3, None)])
def test_cells_overlap_as_pytorchs(size):
    maps = torch.rand(2, 3, 8, 4)
    before = F.adaptive_avg_pool2d
    with exportable():
        assert F.adaptive_avg_pool2d is not before
        found = F.adaptive_avg_pool2d(maps, size)
    assert F.adaptive_avg_pool2d is before
    torch.testing.assert_close(found, F.adaptive_avg_pool2d(maps, size))
