"""tools/complexity.py against a count by hand."""

import runpy

import torch
from mmengine.registry import MODELS
from torch import nn

from tests.configs.loading import resolve
from tests.tiny import REPOSITORY


def by_hand(name):
    """Millions of parameters and 1e9 multiply-adds of convolutions and linear layers."""
    cfg = resolve(name)
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(dict(cfg.model, head=None)).eval()
    total = []
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(
                lambda layer, _, output: total.append(output[0].numel() * layer.weight[0].numel())
            )
    with torch.no_grad():
        model.extract_feat(torch.zeros(1, 3, 256, 128))
    return sum(p.numel() for p in model.parameters()) / 1e6, sum(total) / 1e9


def test_counts_what_a_hand_counts():
    """MMEngine adds normalisation and pooling, a few percent."""
    measure = runpy.run_path(str(REPOSITORY / 'tools' / 'complexity.py'))['measure']
    row = measure(str(REPOSITORY / 'configs' / 'backbones' / 'osnet_x0_25.py'))
    *said, parameters, cost, feature = (part.strip() for part in row.strip('| ').split('|'))
    assert [*said, feature] == ['`osnet_x0_25`', 'reid_fusedloss.OSNet', '256x128', '512']
    millions, billions = by_hand('backbones/osnet_x0_25')
    assert parameters == f'{millions:.2f}'
    assert billions < float(cost) + 0.005 and float(cost) < 1.15 * billions
