"""A tiny teacher in a file, and a tiny student that learns from it."""

from pathlib import Path

import torch
from mmengine.registry import MODELS

NUM_IDS = 6
SIZE = (64, 32)  # of the teacher's images; the student's are 48x24
ID = dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0)


def network(head='BNNeckHead', num_classes=NUM_IDS, terms=None, **keys) -> dict:
    """Config of a ResNet-18 of an eighth of its width."""
    return dict(
        type='ImageClassifier',
        data_preprocessor=dict(
            type='ClsDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, to_rgb=False
        ),
        backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type=f'reid_fusedloss.{head}',
            num_classes=num_classes,
            in_channels=64,
            loss=dict(type='reid_fusedloss.FusedLoss', terms=terms or dict(id=ID)),
        ),
        **keys,
    )


def write_teacher(path: Path, seed: int = 0, classifier: bool = True, **meta) -> dict:
    """Write random weights with trained-looking statistics; what `model.teacher` says of them."""
    torch.manual_seed(seed)
    model = MODELS.build(network())
    model.init_weights()
    for name, buffer in model.named_buffers():
        if name.endswith('running_var'):
            buffer.uniform_(0.5, 2)
    state = {
        name: value
        for name, value in model.state_dict().items()
        if classifier or 'classifier' not in name
    }
    torch.save(dict(state_dict=state, meta=meta), path)
    return dict(config=network(), checkpoint=str(path), input_size=SIZE)
