"""Open set: how near an entry must be for its identity to be claimed."""
from dataclasses import asdict, dataclass
from typing import Any, Optional

from ..checks import check_number
from ..functional.distance import distance_blocks
from ..functional.features import Features
from ..functional.ranking.matching import GalleryMatches, Labels
from ..functional.ranking.verification import TprAtFpr


@dataclass(frozen=True)
class OpenSetThreshold:
    """A cosine distance: an entry that is strictly nearer counts as the query's identity.

    Attributes:
        distance: the threshold.
        fpr: the false positive rate that was asked for; None: the distance was given, not chosen.
        tpr: share of the positive pairs of the validation set that are nearer.
        num_positives: number of its positive pairs.
        num_negatives: number of its negative pairs; a rate below 1 / num_negatives is none of them.

    Raises:
        TypeError, ValueError: if the distance is no finite number.
    """
    distance: float
    fpr: Optional[float] = None
    tpr: Optional[float] = None
    num_positives: Optional[int] = None
    num_negatives: Optional[int] = None

    def __post_init__(self) -> None:
        check_number('distance', self.distance)

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def choose_threshold(query: Features, gallery: Features, query_pids: Labels,
                     gallery_pids: Labels, query_camids: Optional[Labels] = None,
                     gallery_camids: Optional[Labels] = None, *,
                     fpr: float = 1e-3) -> OpenSetThreshold:
    """The cosine distance of the largest true positive rate at a false positive rate.

    Over all pairs of a validation set whose identities were not trained on, see `TprAtFpr`; pairs
    of one identity and one camera are left out.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (G, C).
        query_pids: identities, Q integers or strings.
        gallery_pids: identities, G integers or strings.
        query_camids: cameras, Q integers or strings, or None: no pair is left out.
        gallery_camids: cameras, G integers or strings, or None.
        fpr: share of the negative pairs that may be accepted, above 0, below 1.

    Raises:
        TypeError: if features are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit, there is no positive or no
            negative pair, or fpr is out of range.
    """
    observer = TprAtFpr([fpr])
    if fpr == 1:
        raise ValueError('fpr=1 accepts every pair: there is no such threshold')
    matches = GalleryMatches(query_pids, gallery_pids, query_camids, gallery_camids)
    if (len(query), len(gallery)) != (matches.num_queries, matches.num_gallery):
        raise ValueError(f'{len(query)} query and {len(gallery)} gallery features, but '
                         f'{matches.num_queries} and {matches.num_gallery} pids')
    first = 0
    for block in distance_blocks(query, gallery):
        observer.update(first, block, matches)
        first += len(block)
    tpr, = observer.summarise().values()
    distance, = observer.thresholds().values()
    num_positives = sum(len(matches.of(number)[0]) for number in range(first))
    return OpenSetThreshold(distance, float(fpr), tpr / 100, num_positives,
                            matches.num_negatives)
