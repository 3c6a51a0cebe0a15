"""Read a row's scores from its work_dirs, and the epoch that they are from."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from mmengine.config import Config

from ..engine.config import suffix
from ..visualization import load_scalars
from .facts import Facts, dumped_configs, read_facts
from .record import TEST, epoch_of, last_checkpoint, read_record


@dataclass(frozen=True)
class Result:
    """One run of a row.

    Attributes:
        facts: of the run.
        epoch: that the scores are from.
        scores: in percent, by prefixed name such as 'rerank/mAP'; empty if nothing was evaluated.
        is_best: whether the checkpoint was chosen by its score on the test set.
    """

    facts: Facts
    epoch: int
    scores: dict[str, float]
    is_best: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the scores are from the end of the training."""
        return bool(self.scores) and self.epoch >= self.facts.epochs and not self.is_best

    @property
    def state(self) -> str:
        """The epoch that the scores are from, for a run whose scores are not final."""
        best = 'best, ' if self.is_best else ''
        return f'{best}epoch {self.epoch} of {self.facts.epochs}'


@dataclass(frozen=True)
class Outcome:
    """All runs of a row on one data set, by rising seed.

    Attributes:
        results: one for each seed.
        prefix: 'reid' or 'rerank', the ranking that the row reports.
    """

    results: tuple[Result, ...]
    prefix: str

    @property
    def counted(self) -> tuple[Result, ...]:
        """The runs that the figures are computed from: finished ones, else the most advanced."""
        scored = [result for result in self.results if f'{self.prefix}/mAP' in result.scores]
        final = tuple(result for result in scored if result.is_final)
        furthest = max((result.epoch for result in scored), default=0)
        return final or tuple(result for result in scored if result.epoch == furthest)

    @property
    def is_final(self) -> bool:
        """Whether there are figures from finished runs."""
        return bool(self.counted) and all(result.is_final for result in self.counted)

    @property
    def part(self) -> str:
        """The part of the data set, if identities were left out; '' for the whole."""
        return ', '.join(sorted({result.facts.part for result in self.counted} - {''}))

    def mean(self, metric: str) -> float:
        """Mean over the runs counted."""
        return mean(self._values(metric))

    def deviation(self, metric: str) -> float | None:
        """Standard deviation (n - 1) over the runs counted; None for a single one."""
        values = self._values(metric)
        return stdev(values) if len(values) > 1 else None

    def text(self, metric: str) -> str:
        """Mean and deviation in words; without figures, what is missing."""
        if not self.counted:
            return self.status
        deviation = self.deviation(metric)
        spread = '' if deviation is None else f' ± {deviation:.2f}'
        state = f' ({self.status})' if self.status else ''
        return f'{self.mean(metric):.2f}{spread}{state}'

    @property
    def status(self) -> str:
        """What is missing; '' if nothing is."""
        if not self.results:
            return 'not run'
        if self.is_final:
            return ''
        if self.counted:
            return ', '.join(dict.fromkeys(result.state for result in self.counted))
        word = 'not re-ranked' if self.prefix == 'rerank' else 'not evaluated'
        return f'{word}, {max(self.results, key=lambda result: result.epoch).state}'

    @property
    def left_out(self) -> str:
        """The runs that are not counted while others are."""
        others = [result for result in self.results if self.counted and result not in self.counted]
        return ', '.join(f'seed {result.facts.seed}: {result.state}' for result in others)

    def _values(self, metric: str) -> list[float]:
        return [result.scores[f'{self.prefix}/{metric}'] for result in self.counted]


def read_outcome(root: Path, dataset: str, budget: str | None, place: str, prefix: str) -> Outcome:
    """Read the runs of a row that `ablate`, or `train` and `test`, left.

    Those of `ablate` are in `<root>/<dataset>[_<budget>]/<table>/<row>/seed<k>`, the others in
    `<root>/<row>_<dataset>[_<budget>]`; of two runs with the same seed the first counts.

    Args:
        root: folder of all runs.
        dataset, budget: as given to the commands.
        place: table and row, such as 'table2/6_bn'.
        prefix: 'reid' or 'rerank'.
    """
    end = suffix(dataset, budget)
    base = root / end.removeprefix('_')
    folders = [*sorted((base / place).glob('seed*')), root / f'{Path(place).name}{end}']
    found: dict[int, Result] = {}
    for folder in folders:
        for result in _read(folder, base, f'test{suffix(dataset)}'):
            found.setdefault(result.facts.seed, result)
    return Outcome(tuple(found[seed] for seed in sorted(found)), prefix)


def _read(folder: Path, base: Path, test: str) -> Iterator[Result]:
    """Read the result of a work_dir, if any: from its test, else from its training."""
    record = read_record(folder) or {}
    trained = base / record['trained_in'] if 'trained_in' in record else folder
    tested = next(
        (folder / name for name in (TEST, test) if (folder / name / 'scores.json').is_file()), None
    )
    facts = read_facts([trained, *filter(None, [tested])], record.get('command', ''))
    if facts is None:
        return
    result = _of_test(tested, facts) if tested else None
    result = result or _of_training(trained, facts)
    if result.epoch:
        yield result


def _of_test(folder: Path, facts: Facts) -> Result | None:
    """Read the scores of a test, and the epoch of the checkpoint in its config."""
    for path in dumped_configs(folder):
        checkpoint = Path(Config.fromfile(path).get('load_from') or '')
        if epoch := epoch_of(checkpoint):
            scores = json.loads((folder / 'scores.json').read_text())
            return Result(facts, epoch, scores, checkpoint.name.startswith('best_'))
    return None


def _of_training(folder: Path, facts: Facts) -> Result:
    """Read the scores of the last evaluation during a training."""
    with suppress(FileNotFoundError, ValueError):
        for last in load_scalars(folder)['val'][-1:]:
            return Result(facts, last['step'], last)
    with suppress(ValueError):  # the checkpoints cannot be read, which is logged
        return Result(facts, epoch_of(last_checkpoint(folder)), {})
    return Result(facts, 0, {})
