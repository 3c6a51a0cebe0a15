"""Small models to look at."""

from types import SimpleNamespace

import torch
from mmengine.registry import MODELS
from torch import nn

HEIGHT, WIDTH, CELL = 48, 24, 8
HEAD = dict(
    type='reid_fusedloss.BNNeckHead',
    num_classes=5,
    in_channels=64,
    loss=dict(
        type='reid_fusedloss.FusedLoss',
        terms=dict(id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0)),
    ),
)


class Brightness(nn.Module):
    """A backbone of one map: each cell of 8 x 8 pixels says how bright it is."""

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(CELL)

    def forward(self, images):
        return (self.pool(images),)


def classifier(**parts):
    """A model of mmpretrain's kind in evaluation mode, with ResNet-18 of 1/8 width by default."""
    torch.manual_seed(0)
    preprocessor = dict(
        type='ClsDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    )
    backbone = dict(type='ResNet', depth=18, stem_channels=8, base_channels=8, strides=(1, 2, 2, 1))
    model = MODELS.build(
        dict(
            type='ImageClassifier',
            data_preprocessor=preprocessor,
            **{
                **dict(backbone=backbone, neck=dict(type='GlobalAveragePooling'), head=HEAD),
                **parts,
            },
        )
    )
    for name, buffer in model.named_buffers():
        if name.endswith('running_var'):
            buffer.uniform_(0.5, 2.0)
    nn.init.normal_(model.head.classifier.weight) if isinstance(
        model.head.classifier, nn.Linear
    ) else None
    return model.eval()


def transformer(**arguments):
    """A vision transformer of three small layers over 6 x 3 patches."""
    arch = dict(embed_dims=16, num_layers=3, num_heads=2, feedforward_channels=32)
    return dict(
        type='VisionTransformer', arch=arch, img_size=(HEIGHT, WIDTH), patch_size=CELL, **arguments
    )


def inferencer(model):
    """What an Explainer needs of a ReIDInferencer."""
    pipeline = dict(
        load=dict(type='reid_fusedloss.LoadReIDImage'),
        resize=dict(type='Resize', scale=(WIDTH, HEIGHT)),
        pack=dict(type='PackInputs'),
    )
    return SimpleNamespace(model=model, pipeline=pipeline, batch_size=2)
