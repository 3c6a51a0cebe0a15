"""Open set: how near an entry must be for its identity to be claimed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Optional

import numpy as np

from ..checks import check_int, check_number
from ..functional.distance import distance_blocks
from ..functional.features import Features
from ..functional.ranking.matching import GalleryMatches, Labels
from ..functional.ranking.stranger_threshold import ThresholdAtFpir

OUTGROWN = 1.25  # times as many entries: the rate of false alarms is about as much higher
OVER_PAIRS = 'fpr'  # a threshold of an older version: its rate was one over pairs


@dataclass(frozen=True)
class OpenSetThreshold:
    """A cosine distance: an entry that is strictly nearer counts as the query's identity.

    Attributes:
        distance: the threshold.
        fpir: the false positive identification rate that was asked for: share of the strangers
            (queries of people who are not in the gallery) for whom an identity is claimed. None:
            the distance was given, not chosen.
        gallery_size: number of gallery entries that it was chosen for.
        dir: detection and identification rate on the validation set: share of the queries of known
            people whose own identity is claimed; None: it has no known people. A validation
            gallery that is smaller than the gallery tells only an upper bound.
        num_strangers: number of queries that stood for strangers.
        validation_size: number of entries of the validation set's gallery that were used.
        model: id of the model that made the features; None: unknown.
        gallery_people: number of identities of the gallery, an entry without one counted as one;
            None: unknown.

    Raises:
        TypeError, ValueError: if the distance is no finite number, or a rate is given without the
            size that it holds for.
    """

    distance: float
    fpir: float | None = None
    gallery_size: int | None = None
    dir: float | None = None
    num_strangers: int | None = None
    validation_size: int | None = None
    model: str | None = None
    gallery_people: int | None = None

    def __post_init__(self) -> None:
        check_number('distance', self.distance)
        if (self.fpir, self.gallery_size) != (None, None):
            check_number('fpir', self.fpir)
            check_int('gallery_size', self.gallery_size)
            if not 0 < self.fpir < 1:
                raise ValueError(f'fpir={self.fpir} must be above 0 and below 1')

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> tuple[Optional['OpenSetThreshold'], str]:
        """A threshold from plain data, and what the user must know of it, '' for nothing.

        A threshold of an older version that was chosen by a rate over pairs is not used.

        Raises:
            TypeError, ValueError: if the data is of something else.
        """
        if OVER_PAIRS not in data:
            return cls(**data), ''
        if data[OVER_PAIRS] is None:
            return cls(data['distance']), ''
        return None, (
            f'the threshold {data["distance"]:.4f} of an older version is not used: its rate of '
            f'{data[OVER_PAIRS]:g} was one over pairs of images, and a search looks at the nearest '
            f'of all entries; choose one by --fpir, or go on with it by --threshold '
            f'{data["distance"]:.4f}'
        )

    def describe(self) -> str:
        """In a line: the rate, what it holds for, and what it was chosen on."""
        if self.fpir is None:
            return f'threshold {self.distance:.4f}, set by hand'
        text = (
            f'threshold {self.distance:.4f}: FPIR {self.fpir:g} in a gallery of '
            f'{self.gallery_size} entries'
        )
        if self.gallery_people is not None:
            text += f' of {self.gallery_people} people'
        scaled = self.validation_size is not None and self.validation_size < self.gallery_size
        if scaled:
            text += f' (scaled up from the {self.validation_size} of the validation set)'
        if self.num_strangers is not None:
            text += f', chosen on {self.num_strangers} queries of strangers'
        if self.dir is not None:
            text += f'; DIR {100 * self.dir:.1f} %'
            text += ' among these, lower in the gallery' if scaled else ''
        return text

    def expected_fpir(self, size: int) -> float | None:
        """About the FPIR in a gallery of another size, 1 - (1 - fpir)^(size / gallery_size).

        Each entry is taken as an independent chance of a false alarm. They are not: of a larger
        gallery it is an upper bound.

        Args:
            size: number of entries.

        Returns:
            The rate; None: the distance was given, not chosen.
        """
        if self.fpir is None:
            return None
        return float(-np.expm1(size / self.gallery_size * np.log1p(-self.fpir)))

    def warning(self, size: int) -> str:
        """What to tell the user of a gallery of so many entries that has outgrown the threshold.

        Returns:
            A line; '' if the gallery has not outgrown it, or the distance was given, not chosen.
        """
        if self.fpir is None or size <= OUTGROWN * self.gallery_size:
            return ''
        return (
            f'the gallery has {size} entries, {size / self.gallery_size:.1f} times the '
            f'{self.gallery_size} that its threshold {self.distance:.4f} was chosen for: '
            f'expect an FPIR of up to about {self.expected_fpir(size):.2g} in place of '
            f'{self.fpir:g}; choose it again by --fpir'
        )


def choose_threshold(
    query: Features,
    gallery: Features,
    query_pids: Labels,
    gallery_pids: Labels,
    query_camids: Labels | None = None,
    gallery_camids: Labels | None = None,
    *,
    fpir: float = 1e-2,
    gallery_size: int | None = None,
    gallery_people: int | None = None,
    model: str | None = None,
) -> OpenSetThreshold:
    """The largest cosine distance at a false positive identification rate, at a gallery's size.

    From a validation set whose identities were not trained on: each query stands for a stranger
    once, with the entries of its identity left out; a validation gallery larger than the real one
    counts as all subsets of its size, a smaller one by a lower rate. Many images of few people
    are fewer chances of a false alarm than as many people: with `gallery_people` the validation
    gallery is made like the real one in this too. See `ThresholdAtFpir`.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (V, C).
        query_pids: identities, Q integers or strings.
        gallery_pids: identities, V integers or strings; those of no query (distractors) are
            entries like others.
        query_camids: cameras, Q integers or strings, or None: no entry is junk. They matter to
            the DIR alone.
        gallery_camids: cameras, V integers or strings, or None.
        fpir: share of the strangers for whom an identity may be claimed, above 0, below 1.
        gallery_size: number of entries of the real gallery; None: that of the validation set.
        gallery_people: number of its identities, an entry without one counted as one; None:
            unknown.
        model: id of the model that made the features, if it is known.

    Raises:
        TypeError: if features are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or does not fit, fpir is out of range, there
            is one identity only, or there are too few strangers for the rate.
    """
    observer, matches, blocks = _prepare(
        query,
        gallery,
        (query_pids, gallery_pids, query_camids, gallery_camids),
        fpir,
        gallery_size,
        gallery_people,
    )
    first = 0
    for block in blocks:
        observer.update(first, block, matches)
        first += len(block)
    return OpenSetThreshold(
        observer.threshold(),
        float(fpir),
        int(observer.size),
        observer.dir(),
        matches.num_queries,
        observer.num_used,
        model,
        gallery_people,
    )


def check_validation(
    query: Features, gallery: Features, *labels: Labels | None, fpir: float
) -> None:
    """Refuse what `choose_threshold` would refuse, of a gallery as small as you like.

    Args:
        query: as there.
        gallery: as there.
        labels: identities and cameras, as there.
        fpir: as there.

    Raises:
        TypeError, ValueError: as there.
    """
    observer, matches, _ = _prepare(query, gallery, labels, fpir)
    observer.start(matches)


def _prepare(
    query: Features,
    gallery: Features,
    labels: tuple,
    fpir: float,
    gallery_size: int | None = None,
    gallery_people: int | None = None,
) -> tuple[ThresholdAtFpir, GalleryMatches, Iterator]:
    """What counts, whom it compares, and the distances; features and labels are checked."""
    observer = ThresholdAtFpir(fpir, gallery_size, gallery_people)
    matches = GalleryMatches(*labels)
    if (len(query), len(gallery)) != (matches.num_queries, matches.num_gallery):
        raise ValueError(
            f'{len(query)} query and {len(gallery)} gallery features, but '
            f'{matches.num_queries} and {matches.num_gallery} pids'
        )
    return observer, matches, distance_blocks(query, gallery)
