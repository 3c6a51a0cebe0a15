"""Match queries and gallery by identities, cameras and further labels."""

from collections.abc import Iterator
from copy import copy
from typing import NamedTuple

import numpy as np

from .labels import (
    CAMERA,
    IDENTITY,
    Labels,
    LabelSets,
    Sides,
    check_lengths,
    encode,
    label_pairs,
    same_kind,
)
from .protocols import IMAGE, LabelTable, ProtocolOption, SamePlace, make_protocol

ROWS = 256  # queries whose junk of other identities is counted at a time


class Pairs(NamedTuple):
    """Pairs of some consecutive queries with the gallery; rows count from the first query.

    Attributes:
        rows, columns: query and gallery entry of each pair of one identity, ordered by query.
        is_junk: whether such a pair is junk.
        junk: rows and columns of all junk, of other identities too.
    """

    rows: np.ndarray
    columns: np.ndarray
    is_junk: np.ndarray
    junk: tuple[np.ndarray, np.ndarray]


class GalleryMatches:
    """Positives and junk of each query among the gallery, held once per identity.

    A gallery entry is junk where the protocol says so; of the others those of the query's identity
    are its positives. By the standard protocol, junk are the entries of the query's identity and
    camera; without cameras there is none.

    Args:
        query_pids: identities of the queries, Q integers or strings.
        gallery_pids: identities of the gallery, G of the same kind.
        query_camids: cameras of the queries, Q integers or strings, or None.
        gallery_camids: cameras of the gallery, G of the same kind, or None.
        protocol: see `make_protocol`.
        query_labels: further labels of the queries by name, such as dict(clothes=...).
        gallery_labels: the same labels of the gallery.

    Attributes:
        num_queries: number of queries Q.
        num_gallery: number of gallery entries G.
        query_codes: the queries' identities as integers, shape (Q,).
        gallery_codes: the gallery's identities as integers, shape (G,), numbered in common with
            the queries', in the order of the labels.

    Raises:
        TypeError: if labels are neither integers nor strings, or of different kinds, or a rule does
            not return truth values.
        ValueError: if lengths differ, a set is empty, only one side has a label or the protocol
            needs one that is missing.
    """

    def __init__(
        self,
        query_pids: Labels,
        gallery_pids: Labels,
        query_camids: Labels | None = None,
        gallery_camids: Labels | None = None,
        *,
        protocol: ProtocolOption = 'same_camera',
        query_labels: LabelSets = None,
        gallery_labels: LabelSets = None,
    ) -> None:
        self.protocol = make_protocol(protocol)
        self.query_codes, self.gallery_codes = encode(query_pids, gallery_pids, IDENTITY)
        self.num_queries, self.num_gallery = len(self.query_codes), len(self.gallery_codes)
        if not self.num_queries or not self.num_gallery:
            raise ValueError(
                f'nothing to rank: {self.num_queries} queries, {self.num_gallery} gallery entries'
            )
        given = label_pairs(query_camids, gallery_camids, query_labels, gallery_labels)
        for name, pair in given.items():
            check_lengths(name, pair, (self.num_queries, self.num_gallery))
        self._num_negatives: int | None = None
        self._read_labels(given, (query_pids, gallery_pids))
        self._index()

    @property
    def num_negatives(self) -> int:
        """Number of negative pairs: of different identities, and not junk."""
        if self._num_negatives is None:
            self._num_negatives = self._num_others - sum(
                len(pairs.junk[0]) - int(pairs.is_junk.sum()) for pairs in self._all_pairs()
            )
        return self._num_negatives

    def of(self, query: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the gallery indices of the positives and of the junk of one query."""
        same = self._order[self._starts[query] : self._stops[query]]
        if not self._rules:
            return same, same[:0]
        asked = {name: labels[query] for name, labels in self._query.items()}
        if self.protocol.within_identity:
            junk = self._junk(asked, _take(self._gallery, same), same.shape)
            return same[~junk], same[junk]
        junk = self._junk(asked, self._gallery, (self.num_gallery,))
        return same[~junk[same]], np.flatnonzero(junk)

    def between(self, first: int, stop: int) -> Pairs:
        """Return the pairs of the queries from `first` to `stop` - 1."""
        lengths = (self._stops - self._starts)[first:stop]
        rows = np.repeat(np.arange(stop - first), lengths)
        begins = self._starts[first:stop] - (lengths.cumsum() - lengths)
        columns = self._order[begins[rows] + np.arange(len(rows))]
        if not self._rules:
            return Pairs(rows, columns, np.zeros(len(rows), dtype=bool), (rows[:0], rows[:0]))
        asked = {name: labels[first:stop] for name, labels in self._query.items()}
        if self.protocol.within_identity:
            junk = self._junk(_take(asked, rows), _take(self._gallery, columns), rows.shape)
            return Pairs(rows, columns, junk, (rows[junk], columns[junk]))
        asked = {name: labels[:, None] for name, labels in asked.items()}
        there = {name: labels[None] for name, labels in self._gallery.items()}
        whole = self._junk(asked, there, (stop - first, self.num_gallery))
        at = np.nonzero(whole)
        return Pairs(rows, columns, whole[rows, columns], (at[0], at[1]))

    def part(self, columns: np.ndarray) -> 'GalleryMatches':
        """Match the same queries to some gallery entries, in the order of `columns`."""
        part = copy(self)
        part.gallery_codes, part.num_gallery = self.gallery_codes[columns], len(columns)
        part._gallery = _take(self._gallery, columns)
        part._index()
        return part

    def groups(self, names: tuple[str, ...]) -> np.ndarray:
        """Number the groups of gallery entries that agree in all labels, from 0."""
        codes = np.zeros(self.num_gallery, dtype=np.int64)
        for name in names:
            labels = self.gallery_codes if name == IDENTITY else self._gallery[name]
            own = np.unique(labels, return_inverse=True)[1]
            codes = np.unique(codes * (own.max() + 1) + own, return_inverse=True)[1]
        return codes

    def _read_labels(self, given: Sides, pids: tuple[Labels, Labels]) -> None:
        """Keep the labels that the rule reads, and find out whether it can be applied."""
        protocol = self.protocol
        missing = [name for name in protocol.reads if name not in given]
        if missing and not protocol.lenient:
            raise ValueError(
                f'protocol {protocol.name!r} needs the labels {missing} of each image, the data '
                f'has {[IDENTITY, *sorted(given)]}'
            )
        self._rules = not missing
        pairs = {IDENTITY: pids, **given} if protocol.as_given else given
        names = list(pairs) if protocol.as_given else [n for n in protocol.reads if n in given]
        read = same_kind if protocol.as_given else encode
        both = {name: read(*pairs[name], name) for name in names}
        self._query: LabelTable = Known({name: pair[0] for name, pair in both.items()})
        self._gallery: LabelTable = Known({name: pair[1] for name, pair in both.items()})
        self._check_rule()

    def _check_rule(self) -> None:
        """Apply a rule to one pair, and look for its cameras, before there are distances."""
        if not self._rules:
            return
        self._junk(_take(self._query, np.arange(1)), _take(self._gallery, np.arange(1)), (1,))
        rule = self.protocol.junk
        if isinstance(rule, SamePlace):
            named = {camera for pair in rule.pairs for camera in pair} | set(rule.cameras or ())
            there = {*self._query[CAMERA].tolist(), *self._gallery[CAMERA].tolist()}
            if named and not named & there:
                raise ValueError(
                    f'protocol {self.protocol.name!r} names the cameras {sorted(named, key=str)}, '
                    f'the data has none of them but {sorted(there)}'
                )
        one_set = self.protocol.one_set
        if one_set and not np.isin(self._query[IMAGE], self._gallery[IMAGE]).any():
            raise ValueError(
                f'protocol {self.protocol.name!r} is for queries that are in the gallery, and none '
                "is: check the label image, or use 'same_camera'"
            )

    def _index(self) -> None:
        """Index where in the gallery each query's identity is."""
        query, gallery = self.query_codes, self.gallery_codes
        self._order = np.argsort(gallery, kind='stable')
        self._starts = np.searchsorted(gallery, query, 'left', sorter=self._order)
        self._stops = np.searchsorted(gallery, query, 'right', sorter=self._order)
        num_same = int((self._stops - self._starts).sum())
        self._num_others = self.num_queries * self.num_gallery - num_same
        within = self.protocol.within_identity
        self._num_negatives = self._num_others if within else None

    def _all_pairs(self) -> Iterator[Pairs]:
        for first in range(0, self.num_queries, ROWS):
            yield self.between(first, min(first + ROWS, self.num_queries))

    def _junk(self, query: LabelTable, gallery: LabelTable, shape: tuple[int, ...]) -> np.ndarray:
        """Apply the rule to these pairs."""
        junk = self.protocol.junk(query, gallery)
        if not self.protocol.as_given:
            return junk
        junk = np.asarray(junk)
        if junk.dtype != bool:
            raise TypeError(
                f'protocol {self.protocol.name!r} must return truth values, got {junk.dtype}'
            )
        try:
            return np.broadcast_to(junk, shape)
        except ValueError:
            raise ValueError(
                f'protocol {self.protocol.name!r} returned shape {junk.shape} for pairs of shape '
                f'{shape}: compute it from the labels elementwise'
            ) from None


class Known(dict[str, np.ndarray]):
    """Labels by name; one that is missing is an error of the user's data, not of the rule."""

    def __missing__(self, name: str) -> np.ndarray:
        raise ValueError(f'the protocol reads the label {name!r}, the data has {sorted(self)}')


def _take(labels: LabelTable, places: np.ndarray) -> LabelTable:
    return Known({name: column[places] for name, column in labels.items()})
