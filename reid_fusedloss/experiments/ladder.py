"""Scores of any rows, such as a user's own, and the gain of each over the row that it inherits."""

from collections.abc import Mapping, Sequence
from math import hypot
from pathlib import Path

from ..printable import markdown_table
from ..scope import ancestors
from .results import Outcome, read_outcome
from .tables import describe

LEGEND = (
    'R1 and mAP in percent, of the last epoch; ± is the standard deviation over the n seeds '
    '(n - 1). The gain is in points of mAP over the row it names, the nearest one that the config '
    'inherits; its ± is sqrt(s1^2 + s2^2), where both rows have several seeds.'
)
COLUMNS = ('row', 'R1', 'mAP', 'gain', 'over', 'R1, re-ranked', 'mAP, re-ranked', 'n')


def ladder(configs: Sequence[Path], root: Path, datasets: Sequence[str], budget: str | None) -> str:
    """Write a table for each data set as Markdown, with the facts of the runs above.

    Args:
        configs: files of the rows.
        root: folder of all runs, see `read_outcome`.
        datasets, budget: as given to the commands.
    """
    places = {config.resolve(): _place(config) for config in configs}
    parts = [LEGEND]
    for dataset in datasets:
        plain, reranked = (
            {place: read_outcome(root, dataset, budget, place, prefix) for place in places.values()}
            for prefix in ('reid', 'rerank')
        )
        parts.append(describe([*plain.values()], dataset, budget))
        lines: list[Sequence[str]] = [COLUMNS]
        for config, place in places.items():
            inherited = (places.get(path.resolve()) for path in [*ancestors(config)][1:])
            over = next((found for found in inherited if found), None)
            lines.append(_cells(place, plain, reranked[place], over))
        parts.append(markdown_table(lines, aligned=False))
    return '\n\n'.join(parts) + '\n'


def _place(config: Path) -> str:
    """Folder and name of a row, as `ablate` names its work_dir."""
    file = config.resolve()
    return f'{file.parent.name}/{file.stem}'


def _cells(
    place: str, outcomes: Mapping[str, Outcome], reranked: Outcome, over: str | None
) -> Sequence[str]:
    own, before = outcomes[place], outcomes.get(over or '')
    left_out = f' (without {own.left_out})' if own.left_out else ''
    return (
        place,
        own.text('R1'),
        own.text('mAP'),
        _gain(before, own),
        over or '-',
        reranked.text('R1') if reranked.is_final else '-',
        reranked.text('mAP') if reranked.is_final else '-',
        f'{len(own.counted)}{left_out}',
    )


def _gain(before: Outcome | None, after: Outcome) -> str:
    if before is None or not (before.is_final and after.is_final):
        return '-'
    gain = after.mean('mAP') - before.mean('mAP')
    spreads = before.deviation('mAP'), after.deviation('mAP')
    if spreads[0] is None or spreads[1] is None:
        return f'{gain:+.2f}'
    return f'{gain:+.2f} ± {hypot(spreads[0], spreads[1]):.2f}'
