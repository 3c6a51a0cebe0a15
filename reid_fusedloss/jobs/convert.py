"""Convert weights of another project to a checkpoint of this one."""

import argparse
from pathlib import Path

import torch
from mmengine.registry import MODELS
from mmengine.runner import CheckpointLoader

from ..conversion import Converted, Fit, compare, convert, read_state_dict
from ..engine.config import load_config
from ..engine.testing import adopt_identities, drop_start_weights
from ..loading import trust_checkpoints
from ..printable import tell
from ..scope import configs_dir
from ..whole_file import whole_file


def fit_of(converted: Converted) -> Fit:
    """Compare the weights with the model of the config that the conversion names."""
    cfg = load_config(str(configs_dir() / f'{converted.config}.py'), options=converted.options)
    drop_start_weights(cfg)
    adopt_identities(cfg, converted.weights)
    fit = compare(converted.weights, MODELS.build(cfg.model).state_dict())
    fit.check()
    return fit


def save(converted: Converted, target: Path) -> None:
    """Write the weights, with their origin as `meta`: plain data, which loads without code."""
    keys = ('layout', 'left_over', 'notes', 'config', 'options')
    meta = {key: getattr(converted, key) for key in keys}
    with whole_file(target) as file:
        torch.save(dict(state_dict=converted.weights, meta=meta), file)


def check_target(source: Path, target: Path) -> None:
    if target.is_dir():
        raise ValueError(f'{target} is a folder: give a file to write')
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f'{target} is the source itself: give another file to write')


def run(args: argparse.Namespace) -> None:
    """Convert a file, and print how it fits the model."""
    check_target(Path(args.source), Path(args.target))
    trust_checkpoints(args.trust_checkpoint)
    source = CheckpointLoader.load_checkpoint(args.source, map_location='cpu')
    converted = convert(read_state_dict(source), args.layout, args.camera)
    fit = None if converted.config is None else fit_of(converted)
    save(converted, Path(args.target))
    print(f'layout {converted.layout}: {len(converted.weights)} weights renamed')
    for name, reason in converted.left_over.items():
        tell(f'  left over: {name} ({reason})')
    for note in converted.notes:
        tell(f'  note: {note}')
    if fit is None:
        print("fits mmpretrain's network of this name; none of our configs has it")
    else:
        for name in fit.missing:
            tell(f'  not in the file: {name} (starts from scratch)')
        for name, (theirs, ours) in fit.shapes.items():
            tell(f'  of another size: {name} {theirs}, {ours} in the model (starts from scratch)')
        print(f'fits {converted.command()}')
    tell(f'written: {args.target}')
