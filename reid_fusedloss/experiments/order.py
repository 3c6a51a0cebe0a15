"""Whether our rows stand in the paper's order."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from .paper import PaperRow
from .results import Outcome

STATES = ('not finished', 'not run')
VERDICTS = ('agree', 'disagree', 'within one standard deviation')


@dataclass(frozen=True)
class Pair:
    """Two rows that follow each other.

    Attributes:
        names: their labels.
        ours: mAP of the second less that of the first, in points; None if one has not been run, or
            not to its end.
        paper: the same in the paper.
        spread: standard deviation of the difference of two runs, sqrt(s1^2 + s2^2); None if a row
            has one seed.
        state: why there is no `ours`: one of `STATES`.
    """

    names: tuple[str, str]
    ours: float | None
    paper: float
    spread: float | None
    state: str = 'not run'

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`, or `state` without figures of both rows."""
        if self.ours is None:
            return self.state
        if self.spread is not None and abs(self.ours) <= self.spread:
            return VERDICTS[2]
        return VERDICTS[(self.ours > 0) != (self.paper > 0)]


def compare_order(
    rows: Sequence[PaperRow], outcomes: Sequence[Outcome], dataset: str
) -> list[Pair]:
    """Pairs of neighbouring rows by mAP, ours against the paper's.

    Args:
        rows: of one table, in its order; a second reading of a row is left out, and one that the
            paper has no figure of.
        outcomes: ours, one for each row.
        dataset: name of its config; one that the paper has not is compared with Market-1501.
    """
    kept = [
        (row, outcome)
        for row, outcome in zip(rows, outcomes)
        if not row.is_second_reading and row.paper(dataset, 'mAP') is not None
    ]
    return [_pair(*first, *second, dataset) for first, second in zip(kept, kept[1:])]


def order_line(pairs: Sequence[Pair]) -> str:
    """How many pairs agree, disagree or are too close to tell, and which."""
    if not pairs:
        return 'Order by mAP: a single row.'
    parts = []
    states = [state for state in STATES if state in {pair.verdict for pair in pairs}]
    for verdict in (*VERDICTS, *states):
        members = [pair for pair in pairs if pair.verdict == verdict]
        listed = '; '.join(_describe(pair) for pair in members if pair.ours is not None)
        parts.append(f'{len(members)} {verdict}{f" ({listed})" if listed else ""}')
    alone = any(pair.ours is not None and pair.spread is None for pair in pairs)
    noun = 'pair' if len(pairs) == 1 else 'pairs'
    return f'Order by mAP, {len(pairs)} {noun} of neighbouring rows: {", ".join(parts)}.' + (
        ' Where a row has one seed, its spread is not known.' if alone else ''
    )


def _pair(
    row: PaperRow, outcome: Outcome, next_row: PaperRow, next_outcome: Outcome, dataset: str
) -> Pair:
    paper = round(next_row.paper(dataset, 'mAP') - row.paper(dataset, 'mAP'), 2)
    names = (row.label, next_row.label)
    if not (outcome.is_final and next_outcome.is_final):
        both = outcome.results and next_outcome.results
        return Pair(names, None, paper, None, STATES[0] if both else STATES[1])
    deviations = [found.deviation('mAP') for found in (outcome, next_outcome)]
    return Pair(
        names,
        next_outcome.mean('mAP') - outcome.mean('mAP'),
        paper,
        None if None in deviations else hypot(*deviations),
    )


def _describe(pair: Pair) -> str:
    return f'{pair.names[0]} to {pair.names[1]}: {pair.ours:+.2f}, paper {pair.paper:+.1f}'
