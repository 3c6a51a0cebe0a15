"""Who matches whom: identities and cameras of query and gallery."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

Labels = np.ndarray | Tensor | Sequence[int] | Sequence[str]


class GalleryMatches:
    """Positives and junk of each query among the gallery, held once per identity.

    A gallery entry of the query's identity is junk where the camera is the query's too, and a
    positive otherwise; without cameras there is no junk.

    Args:
        query_pids: identities of the queries, Q integers or strings.
        gallery_pids: identities of the gallery, G of the same kind.
        query_camids: cameras of the queries, Q integers or strings, or None.
        gallery_camids: cameras of the gallery, G of the same kind, or None.

    Attributes:
        num_queries: number of queries Q.
        num_gallery: number of gallery entries G.
        num_negatives: number of pairs of a query and a gallery entry of another identity.
        query_codes: the queries' identities as integers, shape (Q,).
        gallery_codes: the gallery's identities as integers, shape (G,), numbered in common with
            the queries', in the order of the labels.

    Raises:
        TypeError: if labels are neither integers nor strings, or of different kinds.
        ValueError: if lengths differ, a set is empty or only one side has cameras.
    """

    def __init__(
        self,
        query_pids: Labels,
        gallery_pids: Labels,
        query_camids: Labels | None = None,
        gallery_camids: Labels | None = None,
    ) -> None:
        self.query_codes, self.gallery_codes = _encode(query_pids, gallery_pids, 'pids')
        query, gallery = self.query_codes, self.gallery_codes
        self.num_queries, self.num_gallery = len(query), len(gallery)
        if not self.num_queries or not self.num_gallery:
            raise ValueError(
                f'nothing to rank: {self.num_queries} queries, {self.num_gallery} gallery entries'
            )
        self._order = np.argsort(gallery, kind='stable')
        self._starts = np.searchsorted(gallery, query, 'left', sorter=self._order)
        self._stops = np.searchsorted(gallery, query, 'right', sorter=self._order)
        num_same = int((self._stops - self._starts).sum())
        self.num_negatives = self.num_queries * self.num_gallery - num_same
        if (query_camids is None) != (gallery_camids is None):
            raise ValueError(
                'cameras are given for one side only: pass query_camids and '
                'gallery_camids, or neither'
            )
        self._cameras = None
        if query_camids is not None:
            self._cameras = _encode(query_camids, gallery_camids, 'camids')
            lengths = tuple(map(len, self._cameras))
            if lengths != (self.num_queries, self.num_gallery):
                raise ValueError(
                    f'{self.num_queries} query and {self.num_gallery} gallery pids, '
                    f'but {lengths[0]} and {lengths[1]} camids'
                )

    def of(self, query: int) -> tuple[np.ndarray, np.ndarray]:
        """Gallery indices of the positives and of the junk of the query-th query."""
        same = self._order[self._starts[query] : self._stops[query]]
        if self._cameras is None:
            return same, same[:0]
        junk = self._cameras[1][same] == self._cameras[0][query]
        return same[~junk], same[junk]

    def between(self, first: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The gallery entries of the same identity as each query from `first` to `stop` - 1.

        Returns:
            For each pair, ordered by query: the query's number from `first` on, the gallery's
            index, and whether it is junk, bool.
        """
        lengths = (self._stops - self._starts)[first:stop]
        rows = np.repeat(np.arange(stop - first), lengths)
        begins = self._starts[first:stop] - (lengths.cumsum() - lengths)
        columns = self._order[begins[rows] + np.arange(len(rows))]
        if self._cameras is None:
            return rows, columns, np.zeros(len(rows), dtype=bool)
        return rows, columns, self._cameras[1][columns] == self._cameras[0][first:stop][rows]


def _encode(query: Labels, gallery: Labels, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Number the labels of both sides in common."""
    query, gallery = _as_labels(query, f'query_{name}'), _as_labels(gallery, f'gallery_{name}')
    if query.size and gallery.size and query.dtype.kind != gallery.dtype.kind:
        raise TypeError(
            f'query_{name} are of type {query.dtype}, gallery_{name} of type '
            f'{gallery.dtype}: use integers or strings for both'
        )
    codes = np.unique(np.concatenate([query, gallery]), return_inverse=True)[1]
    return codes[: len(query)], codes[len(query) :]


def _as_labels(labels: Labels, name: str) -> np.ndarray:
    given = labels
    labels = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if labels.dtype.kind == 'U' and not (
        isinstance(given, np.ndarray) or all(isinstance(label, str) for label in given)
    ):
        raise TypeError(
            f'{name} are integers and strings together, of which NumPy would make '
            'one: use integers or strings for all'
        )
    if labels.ndim != 1:
        raise ValueError(f'{name} have shape {labels.shape}, expected one label per image')
    if labels.dtype.kind == 'O' and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.size and labels.dtype.kind not in 'iuU':
        raise TypeError(
            f'{name} are of type {labels.dtype}, expected integers or strings, '
            f'the first is {labels[0]!r}'
        )
    return labels.astype(np.int64) if labels.dtype.kind in 'iu' else labels
