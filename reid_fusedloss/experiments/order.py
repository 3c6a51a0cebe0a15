"""Compare the order of our rows by mAP with the paper's."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from .paper import PaperRow
from .results import Outcome

STATES = ('not finished', 'not run')
VERDICTS = ('agree', 'disagree', 'within one standard deviation')


@dataclass(frozen=True)
class Pair:
    """Two neighbouring rows of a table.

    Attributes:
        names: their labels.
        ours: mAP of the second minus that of the first, in points; None if one is not finished.
        paper: the same difference in the paper.
        spread: standard deviation of the difference of two runs, sqrt(s1^2 + s2^2); None if a row
            has a single seed.
        state: why `ours` is None: one of `STATES`.
    """

    names: tuple[str, str]
    ours: float | None
    paper: float
    spread: float | None
    state: str = 'not run'

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`, or `state` if `ours` is None."""
        if self.ours is None:
            return self.state
        if self.spread is not None and abs(self.ours) <= self.spread:
            return VERDICTS[2]
        return VERDICTS[(self.ours > 0) != (self.paper > 0)]


def compare_order(
    rows: Sequence[PaperRow], outcomes: Sequence[Outcome], dataset: str
) -> list[Pair]:
    """Compare neighbouring rows by mAP, ours against the paper's.

    Args:
        rows: of one table, in its order; second readings of a row, and rows without a figure in
            the paper, are left out.
        outcomes: ours, one for each row.
        dataset: name of its config; a data set that is not in the paper is compared with
            Market-1501.
    """
    kept = [
        (row.label, figure, outcome)
        for row, outcome in zip(rows, outcomes)
        if not row.is_second_reading and (figure := row.paper(dataset, 'mAP')) is not None
    ]
    return [_pair(first, second) for first, second in zip(kept, kept[1:])]


def order_line(pairs: Sequence[Pair]) -> str:
    """Say how many pairs agree, disagree or are too close to tell, and which."""
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


def _pair(first: tuple[str, float, Outcome], second: tuple[str, float, Outcome]) -> Pair:
    """Compare two rows, given by label, the paper's mAP and our outcome."""
    (name, figure, outcome), (next_name, next_figure, next_outcome) = first, second
    names, paper = (name, next_name), round(next_figure - figure, 2)
    if not (outcome.is_final and next_outcome.is_final):
        both = outcome.results and next_outcome.results
        return Pair(names, None, paper, None, STATES[0] if both else STATES[1])
    ours = next_outcome.mean('mAP') - outcome.mean('mAP')
    deviation, next_deviation = outcome.deviation('mAP'), next_outcome.deviation('mAP')
    if deviation is None or next_deviation is None:
        return Pair(names, ours, paper, None)
    return Pair(names, ours, paper, hypot(deviation, next_deviation))


def _describe(pair: Pair) -> str:
    return f'{pair.names[0]} to {pair.names[1]}: {pair.ours:+.2f}, paper {pair.paper:+.1f}'
