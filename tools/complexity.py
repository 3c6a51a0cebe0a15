#!/usr/bin/env python
"""Print size and cost of the networks of configs: python tools/complexity.py configs/backbones/*.py

Multiply-adds are counted by MMEngine, without PyTorch's fused attention (0.31 G for ViT-B).
"""

import argparse
import logging
from pathlib import Path

import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.registry import MODELS

from reid_fusedloss.engine.config import load_config
from reid_fusedloss.engine.testing import drop_start_weights, tested_pipeline


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='+', help='config files')
    return parser.parse_args()


def measure(config: str) -> str:
    """Make a row of the table; the classifier is left out, since the test does not use it."""
    cfg = load_config(config)
    drop_start_weights(cfg)
    cfg.model.head.num_classes = 1
    model = MODELS.build(cfg.model).eval()
    width, height = tested_pipeline(cfg).resize.scale
    found = get_model_complexity_info(model, (3, height, width), show_table=False, show_arch=False)
    classifier = sum(p.numel() for p in model.head.classifier.parameters())
    millions = (sum(p.numel() for p in model.parameters()) - classifier) / 1e6
    with torch.no_grad():
        feature = model(torch.zeros(1, 3, height, width), mode='tensor').shape[1]
    return (
        f'| `{Path(config).stem}` | {cfg.model.backbone.type} | {height}x{width} | '
        f'{millions:.2f} | {found["flops"] / 1e9:.2f} | {feature} |'
    )


def main() -> None:
    args = parse_args()
    logging.disable(logging.WARNING)
    print('| config | backbone | image | parameters, M | multiply-adds, G | feature |')
    print('|---|---|---|---|---|---|')
    for config in args.configs:
        print(measure(config), flush=True)


if __name__ == '__main__':
    main()
