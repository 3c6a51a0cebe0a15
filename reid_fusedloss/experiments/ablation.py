"""Run rows one after another: train, test, resume, share trainings."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine.checkpoints import INTERRUPTED
from ..engine.training.changes import changed
from ..printable import tell
from .commands import testing_command, training_command
from .process import last_line, run_logged
from .record import (
    TEST,
    epoch_of,
    find_owner,
    find_twin,
    is_finished,
    last_checkpoint,
    read_record,
    read_records,
    remove_other_checkpoints,
    scores_file,
    training,
    write_record,
)
from .rows import Choices, Row


def settle(rows: Sequence[Row], redo: bool = False) -> None:
    """Check that the rows' folders hold no results of another config, or remove these.

    Args:
        rows: from `plan`.
        redo: remove results of another config; a training is kept if only its test changed.

    Raises:
        ValueError: if a row was run with another config, unless `redo`; if a row's folder holds a
            training that was not started by `reid-fusedloss ablate`.
    """
    for row in rows:
        record = read_record(row.folder)
        if record is None and last_checkpoint(row.folder) is not None:
            raise ValueError(
                f'{row.folder} holds a training that `ablate` did not start: move it away, or '
                'choose another --root'
            )
        changes = sorted(changed(record['asked'], row.asked)) if record else []
        if changes and not redo:
            raise ValueError(
                f'{row.name} was run with another config ({row.folder}): {"; ".join(changes)}. Use '
                '--redo to run such rows again, or another --root to keep both'
            )
        if changes:
            only_the_test = all(change.startswith('config.test_') for change in changes)
            shutil.rmtree(row.folder / TEST if only_the_test else row.folder, ignore_errors=True)


@dataclass
class Ablation:
    """A list of rows that are run one after another.

    Attributes:
        rows: from `plan`, after `settle`.
        choices: settings that all rows share.
        base: folder of their tables, `choices.base(root)`.
        command: the command line, for the record.
        keep_checkpoints: keep every checkpoint of a finished training, not only the last one.
        run_command: runs a command, appends its output to a file, returns the exit code.
        clock: the time in seconds.
        say: prints a line of progress.
    """

    rows: Sequence[Row]
    choices: Choices
    base: Path
    command: str = ''
    keep_checkpoints: bool = False
    run_command: Callable[[Sequence[str], Path], int] = run_logged
    clock: Callable[[], float] = time.monotonic
    say: Callable[[str], None] = tell
    _seconds: float = field(default=0.0, init=False)
    _epochs: int = field(default=0, init=False)
    _broken: set[str] = field(default_factory=set, init=False)

    def run(self) -> dict[str, str]:
        """Run all rows that are not finished; a row that fails does not stop the others.

        Returns:
            The reasons of the failed rows, by name.
        """
        failed: dict[str, str] = {}
        for number, row in enumerate(self.rows, 1):
            line = f'[{number}/{len(self.rows)}] {row.name}: '
            if is_finished(row):
                self.say(f'{line}{_scores(row)}; finished before')
                continue
            start = self.clock()
            problem = self._run_row(row, line)
            spent = self.clock() - start
            self._seconds += spent
            if problem:
                failed[row.name] = problem
            result = f'FAILED: {problem}' if problem else _scores(row)
            self.say(f'{line}{result}; {duration(spent)}; {self._time_left(number)}')
        return failed

    def _run_row(self, row: Row, line: str) -> str | None:
        """Train and test a row; return the reason if it fails."""
        records = read_records(self.base, row.seed)
        twin = find_twin(row, self.base, records)
        owner = find_owner(row, records) if twin is None else records[twin]['trained_in']
        if owner in self._broken:
            return f'it shares the training of {owner}, which failed'
        write_record(row, owner, self.command)
        if twin is not None:
            self.say(f'{line}the same config as {twin}: its scores are copied')
            shutil.copytree(self.base / twin / TEST, row.folder / TEST, dirs_exist_ok=True)
            return None
        if owner != row.place:
            self.say(f'{line}the same training as {owner}: only tested again')
        problem = self._train(row, owner) or self._test(row, self.base / owner)
        if problem is None and not self.keep_checkpoints:
            remove_other_checkpoints(self.base / owner)
        return problem

    def _train(self, row: Row, owner: str) -> str | None:
        folder = self.base / owner
        last = last_checkpoint(folder)
        before = epoch_of(last)
        is_interrupted = last is not None and last.name == INTERRUPTED  # not evaluated yet
        if before >= row.max_epochs and not is_interrupted:
            return None
        log = folder / 'train.txt'
        command = training_command(row, self.choices, folder, resume=last is not None)
        code = self.run_command(command, log)
        after = epoch_of(last_checkpoint(folder))
        self._epochs += max(after - before, 0)
        if code == 0 and after == row.max_epochs:
            return None
        self._broken.add(owner)
        if code:
            return _reason(code, log)
        return f'the training ended after epoch {after} of {row.max_epochs}, see {log}'

    def _test(self, row: Row, folder: Path) -> str | None:
        checkpoint = last_checkpoint(folder)
        if checkpoint is None:
            return f'no checkpoint in {folder}'
        log = row.folder / 'test.txt'
        command = testing_command(row, self.choices, checkpoint, row.folder / TEST)
        if code := self.run_command(command, log):
            return _reason(code, log)
        return None if scores_file(row.folder).is_file() else f'the test wrote no scores, see {log}'

    def _time_left(self, number: int) -> str:
        epochs = self._epochs_left(self.rows[number:])
        rows = sum(not is_finished(row) for row in self.rows[number:])
        if not rows:
            return 'nothing left to run'
        if not epochs:
            return f'{rows} left to run, with nothing to train'
        if not self._epochs:
            return f'{rows} left to run, time unknown'
        return f'{rows} left to run, about {duration(epochs * self._seconds / self._epochs)}'

    def _epochs_left(self, rows: Sequence[Row]) -> int:
        """Count the epochs still to be trained; rows that share a training count once."""
        records = {seed: read_records(self.base, seed) for seed in {row.seed for row in rows}}
        counted: list[dict[str, Any]] = []
        total = 0
        for row in rows:
            owner = find_owner(row, records[row.seed])
            wanted = training(row.asked)
            if is_finished(row) or owner in self._broken or wanted in counted:
                continue
            counted.append(wanted)
            total += row.max_epochs - epoch_of(last_checkpoint(self.base / owner))
        return total


def duration(seconds: float) -> str:
    """Format seconds, such as '2 h 05 min'."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f'{minutes // 60} h {minutes % 60:02d} min'
    return f'{minutes} min {rest:02d} s' if minutes else f'{rest} s'


def _scores(row: Row) -> str:
    scores = json.loads(scores_file(row.folder).read_text())
    return '; '.join(
        f'{label}R1 {scores[f"{prefix}/R1"]:.2f}, mAP {scores[f"{prefix}/mAP"]:.2f}'
        for prefix, label in (('reid', ''), ('rerank', 're-ranked '))
        if f'{prefix}/R1' in scores
    )


def _reason(code: int, log: Path) -> str:
    return f'exit code {code}, {last_line(log)!r}, see {log}'
