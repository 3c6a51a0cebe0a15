"""The commands that train and test a row, as a user would type them."""

import sys
from pathlib import Path

from .rows import SEED, Choices, Row


def training_command(row: Row, choices: Choices, work_dir: Path, resume: bool) -> list[str]:
    """Make the command that trains a row.

    Args:
        row: the row.
        choices: settings that all rows share.
        work_dir: of the training; another row's if both share the training.
        resume: resume from the latest checkpoint there.
    """
    flags = ['--resume'] * resume + ['--amp'] * choices.amp
    return [
        *_start('train', choices, row.config),
        '--work-dir',
        str(work_dir),
        *flags,
        *_common(row, choices),
    ]


def testing_command(row: Row, choices: Choices, checkpoint: Path, work_dir: Path) -> list[str]:
    """Make the command that tests a checkpoint with a row's config, into `work_dir`."""
    return [
        *_start('test', choices, row.config, checkpoint),
        '--work-dir',
        str(work_dir),
        *_common(row, choices),
    ]


def _start(name: str, choices: Choices, *files: Path) -> list[str]:
    several = [f'--processes={choices.processes}'] if choices.processes > 1 else []
    return [sys.executable, '-m', 'reid_fusedloss', name, *map(str, files), *several]


def _common(row: Row, choices: Choices) -> list[str]:
    budget = ['--budget', choices.budget] if choices.budget else []
    trust = ['--trust-checkpoint'] if choices.trust_checkpoint else []
    return [
        '--dataset',
        choices.dataset,
        *budget,
        *trust,
        '--cfg-options',
        *choices.options,
        f'{SEED}={row.seed}',
    ]
