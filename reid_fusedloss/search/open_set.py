"""Thresholds for open-set search, where a query may be of a person outside the gallery."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..checks import check_int, check_number
from ..functional.distance import distance_blocks
from ..functional.features import Features
from ..functional.ranking.labels import Labels
from ..functional.ranking.matching import GalleryMatches
from ..functional.ranking.stranger_threshold import ThresholdAtFpir

OUTGROWN = 1.25  # growth of the gallery, and so about of its false alarms, that needs a warning
OVER_PAIRS = 'fpr'  # key of an older version, whose rate counted pairs of images


@dataclass(frozen=True)
class OpenSetThreshold:
    """A cosine distance: an entry that is strictly nearer counts as the query's identity.

    Attributes:
        distance: the threshold.
        fpir: the requested false positive identification rate: share of the strangers (queries of
            people who are not in the gallery) that get an identity. None: the distance was given,
            not chosen.
        gallery_size: number of gallery entries that it was chosen for.
        dir: detection and identification rate on the validation set: share of the queries of known
            people that get their own identity; None: it has no known people. For a gallery larger
            than the validation gallery it is an upper bound.
        num_strangers: number of queries that were used as strangers.
        validation_size: number of entries of the validation gallery that were used.
        model: id of the model that made the features; None: unknown.
        gallery_people: number of identities in the gallery, where an entry without identity counts
            as one; None: unknown.

    Raises:
        TypeError, ValueError: if the distance is not a finite number, or a rate is given without
            the gallery size for which it holds.
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
            if self.fpir is None or not 0 < self.fpir < 1:
                raise ValueError(f'fpir={self.fpir} must be > 0 and < 1')

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> 'tuple[OpenSetThreshold | None, str]':
        """Read a threshold from plain data.

        A threshold of an older version that was chosen by a rate over pairs is not used.

        Returns:
            The threshold, or None if it is not used; and a warning for the user, '' for none.

        Raises:
            TypeError, ValueError: if the data has another form.
        """
        if OVER_PAIRS not in data:
            return cls(**data), ''
        if data[OVER_PAIRS] is None:
            return cls(data['distance']), ''
        return None, (
            f'the threshold {data["distance"]:.4f} of an older version is not used: its rate of '
            f'{data[OVER_PAIRS]:g} counted pairs of images, but a search compares with the nearest '
            'of all entries; choose a threshold by --fpir, or keep this one by --threshold '
            f'{data["distance"]:.4f}'
        )

    def describe(self) -> str:
        """Describe in one line the rate, the gallery it holds for, and the validation set."""
        if self.fpir is None or self.gallery_size is None:
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
        """Estimate the FPIR in a gallery of another size, 1 - (1 - fpir)^(size / gallery_size).

        It treats each entry as an independent chance of a false alarm. Real entries are not
        independent, so for a larger gallery it is an upper bound.

        Args:
            size: number of entries.

        Returns:
            The rate; None: the distance was given, not chosen.
        """
        if self.fpir is None or self.gallery_size is None:
            return None
        return float(-np.expm1(size / self.gallery_size * np.log1p(-self.fpir)))

    def warning(self, size: int) -> str:
        """Make a warning if a gallery of `size` entries has outgrown the threshold.

        Returns:
            A line; '' if the gallery has not outgrown it, or the distance was given, not chosen.
        """
        if self.fpir is None or self.gallery_size is None or size <= OUTGROWN * self.gallery_size:
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
    """Choose the largest cosine distance that keeps a false positive identification rate.

    It uses a validation set with identities that were not trained on: each query serves as a
    stranger once, without the entries of its identity. If the validation gallery is larger than the
    real one, all its subsets of that size count; if it is smaller, the rate is scaled down. Many
    images of few people cause fewer false alarms than as many people: with `gallery_people`, the
    validation gallery gets as many images for each person as the real one. See `ThresholdAtFpir`.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (V, C).
        query_pids: identities, Q integers or strings.
        gallery_pids: identities, V integers or strings; distractors, whose identities no query
            has, are entries like others.
        query_camids: cameras, Q integers or strings, or None: no entry is junk. They affect only
            the DIR.
        gallery_camids: cameras, V integers or strings, or None.
        fpir: share of the strangers that may get an identity, > 0 and < 1.
        gallery_size: number of entries of the real gallery; None: that of the validation set.
        gallery_people: number of identities in the real gallery, where an entry without identity
            counts as one; None: unknown.
        model: id of the model that made the features, if known.

    Raises:
        TypeError: if features are not of a floating-point type or labels neither int nor str.
        ValueError: if the input is empty, not finite or inconsistent, fpir is out of range, there
            is only one identity, or there are too few strangers for the rate.
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
    """Check the arguments of `choose_threshold`, for the smallest possible gallery.

    Args:
        query: as in `choose_threshold`.
        gallery: as there.
        labels: identities and cameras, as there.
        fpir: as there.

    Raises:
        TypeError, ValueError: as `choose_threshold`.
    """
    observer, matches, _ = _prepare(query, gallery, labels, fpir)
    observer.start(matches)


def _prepare(
    query: Features,
    gallery: Features,
    labels: tuple[Any, ...],
    fpir: float,
    gallery_size: int | None = None,
    gallery_people: int | None = None,
) -> tuple[ThresholdAtFpir, GalleryMatches, Iterator[np.ndarray]]:
    """Check features and labels, and return what computes the threshold from the distances."""
    observer = ThresholdAtFpir(fpir, gallery_size, gallery_people)
    matches = GalleryMatches(*labels)
    if (len(query), len(gallery)) != (matches.num_queries, matches.num_gallery):
        raise ValueError(
            f'{len(query)} query and {len(gallery)} gallery features, but '
            f'{matches.num_queries} and {matches.num_gallery} pids'
        )
    return observer, matches, distance_blocks(query, gallery)
