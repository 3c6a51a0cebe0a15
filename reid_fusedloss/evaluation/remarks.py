"""Log remarks on a ranking."""

import logging
from collections.abc import Sequence

from mmengine.logging import print_log

from ..functional.ranking.block_ranking import Observer
from ..functional.ranking.dir_at_fpir import DirAtFpir
from ..functional.ranking.draws import DrawnGalleries
from ..functional.ranking.ranking_result import RankingResult


def log_missing(number: int, size: int | None) -> None:
    """Warn if images are missing.

    Args:
        number: of images that were evaluated.
        size: of the data set; None: unknown.
    """
    if size is not None and number != size:
        print_log(
            f'{number} of {size} images of the data set were evaluated',
            logger='current',
            level=logging.WARNING,
        )


def log_ranking(
    kind: str, protocol: str, result: RankingResult, observers: Sequence[Observer]
) -> None:
    """Log what a ranking leaves out, ties that the order of files decides, and what was drawn.

    Args:
        kind: a distance, or 'rerank'.
        protocol: its name.
        result: of the whole gallery.
        observers: of the ranking.
    """
    left_out, ties = int((~result.valid).sum()), int(result.num_ties.sum())
    if left_out:
        print_log(
            f'{left_out} of {len(result.valid)} queries have no positive in the gallery '
            'and are left out',
            logger='current',
        )
    if ties:
        print_log(
            f'{kind}: {ties} positives lie at exactly the distance of a negative; the '
            'order of the files decides',
            logger='current',
        )
    for observer in observers:
        if isinstance(observer, DirAtFpir):
            print_log(f'{kind}, open set: {observer.describe()}', logger='current')
        elif isinstance(observer, DrawnGalleries):
            print_log(f'{kind}, {protocol}: {observer.describe()}', logger='current')
