#!/usr/bin/env python
"""Weights that another project publishes -> a checkpoint of ours.

    python tools/convert_checkpoint.py osnet_x0_25_market1501.pth work_dirs/osnet_x0_25.pth
"""
import argparse
from pathlib import Path

import torch
from mmengine.registry import MODELS
from mmengine.runner import CheckpointLoader

from reid_fusedloss.conversion import LAYOUTS, Converted, Fit, compare, convert, read_state_dict
from reid_fusedloss.engine.config import load_config
from reid_fusedloss.engine.testing import adopt_identities, drop_start_weights
from reid_fusedloss.loading import add_trust_argument, trust_checkpoints
from reid_fusedloss.whole_file import whole_file

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', help='checkpoint of another project')
    parser.add_argument('target', help='file to write')
    parser.add_argument('--layout', default='auto', choices=('auto', *LAYOUTS),
                        help='whose it is; auto: by the names of the weights')
    parser.add_argument('--camera', type=int, metavar='N',
                        help='TransReID with camera embedding (SIE): the row to use, from 0 '
                        '(camera 1 of Market-1501 is row 0)')
    add_trust_argument(parser)
    return parser.parse_args()


def fit_of(converted: Converted) -> Fit:
    """How the weights fit the model of the config that is named with them."""
    cfg = load_config(str(CONFIGS / f'{converted.config}.py'), CONFIGS / '_base_' / 'datasets',
                      options=converted.options)
    drop_start_weights(cfg)
    adopt_identities(cfg, converted.weights)
    fit = compare(converted.weights, MODELS.build(cfg.model).state_dict())
    fit.check()
    return fit


def save(converted: Converted, target: Path) -> None:
    """Write weights and, as `meta`, where they come from: plain data, which loads without code."""
    meta = dict(layout=converted.layout, left_over=converted.left_over, notes=converted.notes,
                config=converted.config, options=converted.options)
    with whole_file(target) as file:
        torch.save(dict(state_dict=converted.weights, meta=meta), file)


def check_target(source: Path, target: Path) -> None:
    """Find out before the work whether the file can be written.

    Raises:
        ValueError: if it cannot.
    """
    if target.is_dir():
        raise ValueError(f'{target} is a folder: name a file to write')
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f'{target} is the source itself: name another file to write')


def main() -> None:
    args = parse_args()
    check_target(Path(args.source), Path(args.target))
    trust_checkpoints(args.trust_checkpoint)
    source = CheckpointLoader.load_checkpoint(args.source, map_location='cpu')
    converted = convert(read_state_dict(source), args.layout, args.camera)
    fit = None if converted.config is None else fit_of(converted)
    save(converted, Path(args.target))
    print(f'layout {converted.layout}: {len(converted.weights)} weights renamed')
    for name, reason in converted.left_over.items():
        print(f'  left over: {name} ({reason})')
    for note in converted.notes:
        print(f'  note: {note}')
    if fit is None:
        print('fits the network of this name of mmpretrain; none of our configs is for it')
    else:
        for name in fit.missing:
            print(f'  not in the file: {name} (starts anew)')
        for name, (theirs, ours) in fit.shapes.items():
            print(f'  of another size: {name} {theirs}, {ours} in the model (starts anew)')
        print(f'fits {converted.command()}')
    print(f'written: {args.target}')


if __name__ == '__main__':
    main()
