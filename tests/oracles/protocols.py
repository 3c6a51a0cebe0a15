"""Protocols, verification and single-gallery-shot CMC as plain loops, memory no concern."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product

import numpy as np

from tests.oracles.ranking import average_precision

Junk = Callable[[dict, dict], bool]


def same_camera(query: dict, entry: dict) -> bool:
    return query['pid'] == entry['pid'] and query['camid'] == entry['camid']


def clothes_changing(query: dict, entry: dict) -> bool:
    if query['pid'] != entry['pid']:
        return False
    return query['camid'] == entry['camid'] or query['clothes'] == entry['clothes']


def same_clothes(query: dict, entry: dict) -> bool:
    if query['pid'] != entry['pid']:
        return False
    return query['camid'] == entry['camid'] or query['clothes'] != entry['clothes']


def same_place(query: dict, entry: dict) -> bool:
    """Cameras 0 and 2 stand at one place; whoever it is."""
    place = {0: 'yard', 1: 'hall', 2: 'yard', 3: 'street'}
    return place[query['camid']] == place[entry['camid']]


def indoors(query: dict, entry: dict) -> bool:
    return same_place(query, entry) or entry['camid'] not in (0, 1)


def itself(query: dict, entry: dict) -> bool:
    return query['image'] == entry['image']


def rows_of(sides: dict[str, Sequence]) -> list[dict]:
    """A dict of labels for each image."""
    return [dict(zip(sides, values)) for values in zip(*sides.values())]


def figures(
    distances: np.ndarray,
    queries: Sequence[dict],
    gallery: Sequence[dict],
    is_junk: Junk,
    topk: Sequence[int],
    ap: str = 'ir',
    by_identity: bool = False,
) -> dict[str, float] | None:
    """One query and one entry at a time; None: no query has a positive.

    Args:
        by_identity: the CMC walks down the identities, each at its first entry.
    """
    aps, inps, firsts = [], [], []
    for query, row in zip(queries, distances):
        kept = [j for j, entry in enumerate(gallery) if not is_junk(query, entry)]
        order = [gallery[j]['pid'] for j in sorted(kept, key=lambda j: (float(row[j]), j))]
        hits = [pid == query['pid'] for pid in order]
        if True not in hits:
            continue
        aps.append(average_precision(hits, ap))
        inps.append(sum(hits) / (len(hits) - hits[::-1].index(True)))
        walked = list(dict.fromkeys(order)) if by_identity else order
        firsts.append(walked.index(query['pid']) + 1)
    if not aps:
        return None
    curve = {f'R{k}': 100 * sum(first <= k for first in firsts) / len(firsts) for k in topk}
    return dict(curve, mAP=100 * np.mean(aps), mINP=100 * np.mean(inps), num_valid_queries=len(aps))


class Observed:
    """The labels of a case, and what one query does not count."""

    def __init__(
        self,
        query_pids: Sequence,
        gallery_pids: Sequence,
        query_camids: Sequence | None = None,
        gallery_camids: Sequence | None = None,
        rule: Junk | None = None,
    ) -> None:
        self.rule = rule
        self.query_pids, self.gallery_pids = query_pids, gallery_pids
        self.query_camids, self.gallery_camids = query_camids, gallery_camids

    def is_junk(self, i: int, j: int) -> bool:
        """Same identity and same camera, unless there is a rule."""
        if self.rule is not None:
            query = dict(pid=self.query_pids[i], camid=self.query_camids[i])
            return self.rule(query, dict(pid=self.gallery_pids[j], camid=self.gallery_camids[j]))
        if self.query_camids is None or self.query_pids[i] != self.gallery_pids[j]:
            return False
        return bool(self.query_camids[i] == self.gallery_camids[j])

    def positives(self, i: int) -> list[int]:
        """Gallery indices of the query's identity that are not junk."""
        return [
            j
            for j, pid in enumerate(self.gallery_pids)
            if pid == self.query_pids[i] and not self.is_junk(i, j)
        ]


def pairs(
    distances: np.ndarray, *labels: Sequence, rule: Junk | None = None
) -> tuple[list[float], list[bool]]:
    """Distance and truth of all pairs but junk."""
    case = Observed(*labels, rule=rule)
    values, truths = [], []
    for i, row in enumerate(distances):
        for j, value in enumerate(row):
            if not case.is_junk(i, j):
                values.append(float(value))
                truths.append(bool(case.query_pids[i] == case.gallery_pids[j]))
    return values, truths


def tpr_at_fpr(values: Sequence[float], truths: Sequence[bool], fpr: str) -> float:
    """Try each distance as the threshold, and none at all; the best TPR in percent."""
    totals, best = Counter(truths), 0.0
    for threshold in set(values):
        accepted = Counter(truth for value, truth in zip(values, truths) if value <= threshold)
        if Fraction(accepted[False], totals[False]) <= Fraction(fpr):
            best = max(best, 100 * accepted[True] / totals[True])
    return best


def draws(case: Observed, i: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """All equally likely draws for a query: its own image, and those of the other identities."""
    others = {}
    for j, pid in enumerate(case.gallery_pids):
        if pid != case.query_pids[i]:
            others.setdefault(pid, []).append(j)
    for own, *rest in product(case.positives(i), *others.values()):
        yield own, tuple(rest)


def expected_single_shot(
    distances: np.ndarray, *labels: Sequence, topk: Sequence[int]
) -> dict[str, float]:
    """The CMC averaged over all draws, then over the queries with a positive, in percent."""
    case, shares = Observed(*labels), []
    for i, row in enumerate(distances):
        ranks = []
        for own, rest in draws(case, i):
            order = sorted([own, *rest], key=lambda j: (float(row[j]), j))
            ranks.append(order.index(own) + 1)
        if ranks:
            shares.append([sum(rank <= k for rank in ranks) / len(ranks) for k in topk])
    means = np.mean(shares, axis=0)
    return {f'single_shot_R{k}': 100 * float(mean) for k, mean in zip(topk, means)}
