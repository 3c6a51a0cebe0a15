"""Describe a run in a few words, from the config that every run writes to its work_dir."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..engine.testing import tested_pipeline

PRECISIONS = dict(AmpOptimWrapper='float16', BF16OptimWrapper='bfloat16')


@dataclass(frozen=True)
class Facts:
    """Facts of a run for a table's header.

    Attributes:
        seed: of the training.
        epochs: of a whole training.
        network: the backbone.
        size: of the images, height x width.
        precision: of the training.
        part: of the data set, if `max_ids` left out identities; '' for the whole.
        command: that started the run; '' if not recorded.
    """

    seed: int
    epochs: int
    network: str
    size: str
    precision: str
    part: str
    command: str


def read_facts(folders: Sequence[Path], command: str = '') -> Facts | None:
    """Read the facts from the first folder that holds a run's config; None if none does.

    Args:
        folders: work_dirs, that of the training first.
        command: that started the run.
    """
    path = next((path for folder in folders for path in dumped_configs(folder)), None)
    return None if path is None else facts_of(Config.fromfile(path), command)


def dumped_configs(folder: Path) -> list[Path]:
    """List the configs that runs wrote to their work_dir, the latest first."""
    return sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime, reverse=True)


def facts_of(cfg: Config, command: str = '') -> Facts:
    """Read the facts of a resolved config."""
    return Facts(
        cfg.get('randomness', {}).get('seed', 0),
        cfg.train_cfg.max_epochs,
        _network(cfg.model),
        _size(cfg),
        PRECISIONS.get(cfg.optim_wrapper.type.split('.')[-1], 'float32'),
        _part(cfg),
        command,
    )


def _network(model: dict[str, Any]) -> str:
    """Name and depth, and the width if it is not the default."""
    backbone = model.get('backbone') or model['module']['backbone']
    depth = f'-{backbone["depth"]}' if 'depth' in backbone else ''
    widths = [
        f'{key}={backbone[key]}'
        for key, usual in (('base_channels', 64), ('widen_factor', 1.0))
        if backbone.get(key, usual) != usual
    ]
    return f'{backbone["type"].split(".")[-1]}{depth}{"".join(f", {width}" for width in widths)}'


def _size(cfg: Config) -> str:
    """Height x width of the test images."""
    pipeline = tested_pipeline(cfg)
    steps = pipeline.values() if isinstance(pipeline, dict) else pipeline
    scales = [step['scale'] for step in steps if step['type'].split('.')[-1] == 'Resize']
    return 'x'.join(str(length) for length in reversed(scales[-1])) if scales else 'unknown size'


def _part(cfg: Config) -> str:
    """Number of identities kept in training and test, 'all' on a side without a limit."""
    kept = [
        (cfg.get(f'{role}_dataloader') or {}).get('dataset', {}).get('max_ids')
        for role in ('train', 'test')
    ]
    if kept == [None, None]:
        return ''
    return '{} identities trained on and {} tested on'.format(*(ids or 'all' for ids in kept))
