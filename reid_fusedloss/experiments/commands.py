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
    return _command('train', row, choices, work_dir, [], flags)


def testing_command(row: Row, choices: Choices, checkpoint: Path, work_dir: Path) -> list[str]:
    """Make the command that tests a checkpoint with a row's config, into `work_dir`."""
    return _command('test', row, choices, work_dir, [str(checkpoint)], [])


def _command(
    name: str, row: Row, choices: Choices, work_dir: Path, files: list[str], flags: list[str]
) -> list[str]:
    several = [f'--processes={choices.processes}'] if choices.processes > 1 else []
    budget = ['--budget', choices.budget] if choices.budget else []
    trust = ['--trust-checkpoint'] if choices.trust_checkpoint else []
    return [
        *(sys.executable, '-m', 'reid_fusedloss', name, str(row.config), *files, *several),
        *('--work-dir', str(work_dir), *flags, '--dataset', choices.dataset, *budget, *trust),
        *('--cfg-options', *choices.options, f'{SEED}={row.seed}'),
    ]
