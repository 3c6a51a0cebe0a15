"""The rows of an ablation: their settings, and the folders in which they run."""

import copy
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import DictAction
from mmengine.logging import MMLogger

from ..engine.config import load_config, suffix
from ..scope import configs_dir, find_config

SEED = 'randomness.seed'


@dataclass(frozen=True)
class Choices:
    """Settings that all rows share.

    Attributes:
        dataset: as for `train --dataset`.
        budget: as for --budget.
        options: KEY=VALUE, as for --cfg-options.
        amp: train with mixed precision.
        processes: number of processes of a training and of a test.
        trust_checkpoint: as for --trust-checkpoint.

    Raises:
        ValueError: if an option is not KEY=VALUE or sets the seed, or `processes` is not positive.
    """

    dataset: str
    budget: str | None = None
    options: tuple[str, ...] = ()
    amp: bool = False
    processes: int = 1
    trust_checkpoint: bool = False

    def __post_init__(self) -> None:
        for option in self.options:
            if '=' not in option:
                raise ValueError(f'--cfg-options must be KEY=VALUE, got {option!r}')
            if option.startswith(f'{SEED}='):
                raise ValueError(f'--cfg-options {option}: set the seeds with --seeds')
        if self.processes < 1:
            raise ValueError(f'--processes must be at least 1, got {self.processes}')

    def base(self, root: Path) -> Path:
        """Folder of all tables run with these settings: `<root>/<dataset>[_<budget>]`."""
        return root / suffix(self.dataset, self.budget).removeprefix('_')


@dataclass(frozen=True)
class Row:
    """One config with one seed.

    Attributes:
        config: its file.
        seed: of the training.
        folder: its work_dir, `<base>/<table>/<row>/seed<k>`.
        asked: the resolved config (without work_dir), `amp` and `processes`.
    """

    config: Path
    seed: int
    folder: Path
    asked: dict[str, Any] = field(repr=False)

    @property
    def place(self) -> str:
        """Its folder relative to the base."""
        return '/'.join(self.folder.parts[-3:])

    @property
    def name(self) -> str:
        """Its name in messages, such as 'table2/6_bn seed 0'."""
        return f'{"/".join(self.folder.parts[-3:-1])} seed {self.seed}'

    @property
    def max_epochs(self) -> int:
        """Epochs of a whole training."""
        return self.asked['config']['train_cfg']['max_epochs']


def find_configs(rows: Sequence[str | Path]) -> list[Path]:
    """Find config files, in the order given; a folder stands for all configs in it.

    Args:
        rows: paths of files and folders, or their names among the configs of the package.

    Raises:
        FileNotFoundError: if a file or folder does not exist, or a folder holds no config.
        ValueError: if two files would run in the same folder.
    """
    found: list[Path] = []
    for row in rows:
        given = _find(str(row))
        files = sorted(given.glob('*.py')) if given.is_dir() else [given]
        if not files or not all(file.is_file() for file in files):
            raise FileNotFoundError(
                f'--rows {given}: no config there; give config files (.py) or folders of them, '
                'such as configs/paper/table2'
            )
        found += [file for file in files if file.resolve() not in {f.resolve() for f in found}]
    places: dict[tuple[str, str], Path] = {}
    for file in found:
        other = places.setdefault((file.resolve().parent.name, file.stem), file)
        if other != file:
            raise ValueError(f'{other} and {file} would share a folder: give each its own --root')
    return found


def _find(row: str) -> Path:
    """Find a file or folder by path, or by name among the package's configs."""
    folder = configs_dir() / row
    return folder if not Path(row).exists() and folder.is_dir() else find_config(row)


def plan(configs: Sequence[Path], seeds: Sequence[int], choices: Choices, root: Path) -> list[Row]:
    """Make a row of every config with every seed; all rows of a seed before the next seed.

    Args:
        configs: from `find_configs`.
        seeds: of the trainings; duplicates count once.
        choices: settings that all rows share.
        root: folder of all runs.

    Raises:
        FileNotFoundError, ValueError: see `load_config`; ValueError also for a config whose
            training is not counted in epochs.
    """
    with _warnings_only():
        resolved = {config: _resolve(config, choices) for config in configs}
    return [
        _row(config, asked, seed, choices.base(root))
        for seed in dict.fromkeys(seeds)
        for config, asked in resolved.items()
    ]


@contextmanager
def _warnings_only() -> Iterator[None]:
    """Hide the lines that MMEngine logs for each variable of each config."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _resolve(config: Path, choices: Choices) -> dict[str, Any]:
    """Resolve a row's settings to what JSON can hold (a tuple becomes a list)."""
    pairs = (option.split('=', 1) for option in choices.options)
    options = {key: DictAction._parse_iterable(value) for key, value in pairs}
    cfg = load_config(str(config), choices.dataset, options, choices.budget)
    if not cfg.train_cfg.get('by_epoch', True) or 'max_epochs' not in cfg.train_cfg:
        raise ValueError(
            f'{config}: rows are counted in epochs, got train_cfg={dict(cfg.train_cfg)}: set '
            'max_epochs, without by_epoch=False'
        )
    content = cfg.to_dict()
    content.pop('work_dir', None)
    asked = dict(config=content, amp=choices.amp, processes=choices.processes)
    return json.loads(json.dumps(asked, default=str))


def _row(config: Path, asked: dict[str, Any], seed: int, base: Path) -> Row:
    asked = copy.deepcopy(asked)
    asked['config'].setdefault('randomness', {})['seed'] = seed
    file = config.resolve()
    return Row(config, seed, base / file.parent.name / file.stem / f'seed{seed}', asked)
