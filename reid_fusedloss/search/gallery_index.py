"""A gallery that answers 'who is this?'."""
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np

from ..checks import check_choice, check_int, check_number
from ..functional.features import Features, as_features, normalised
from .build import adjusted, is_same_build, train
from .entries import Entries, Label, choose_added, make_entries
from .kinds import IVFPQ, Kind, load_faiss, make_kind
from .nearest import nearest_others
from .open_set import OpenSetThreshold
from .rerank import Rerank
from .result import SearchResult, make_result

DUPLICATES = ('error', 'skip', 'replace')


class GalleryIndex:
    """Features of a gallery and what is known of its entries, searched by cosine distance.

    All changes are made in memory; `save_index` writes them to a folder, `load_index` reads it.

    Args:
        dims: width of the features.
        kind: 'flat' (exact), 'ivf', 'hnsw', 'ivfpq', or dict(type=name, option=...), see
            `search.kinds`.
        model: what made the features, such as `apis.model_id`; None: unknown, and
            features of any model are taken.

    Attributes:
        entries: by row, what is known.
        pattern: regular expression of the file names that its labels are from, see
            `apis.update_gallery`; None: they are from elsewhere.

    Raises:
        TypeError, ValueError: if an argument has another type or is out of range.
        ImportError: if faiss is not installed.
    """

    def __init__(self, dims: int, kind: Union[str, Mapping, Kind] = 'flat',
                 model: Optional[str] = None) -> None:
        check_int('dims', dims)
        if model is not None and not isinstance(model, str):
            raise TypeError(f'model={model!r} is a string that names a model, or None')
        load_faiss()
        self.dims, self.model = dims, model
        self._kind = make_kind(kind)
        self.entries = Entries()
        self.pattern: Optional[str] = None
        self._threshold: Optional[OpenSetThreshold] = None
        self.vectors: Any = None  # faiss index of the unit features, from the first addition on
        self.manifest: Optional[dict[str, Any]] = None  # of the state on the disk

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def kind(self) -> Kind:
        """Kind of the index with its numbers; those of a search, nprobe and ef_search, may be set.

        Numbers of the build that are not given stay; to set others is a ValueError, see `rebuilt`.
        """
        return self._kind

    @kind.setter
    def kind(self, kind: Union[str, Mapping, Kind]) -> None:
        kind = adjusted(self._kind, kind)
        if not is_same_build(kind, self._kind):
            raise ValueError(f'the index is built as {self._kind}: rebuilt({kind}) makes another')
        self._kind = kind

    @property
    def threshold(self) -> Optional[OpenSetThreshold]:
        """How near an entry must be for its identity to be claimed; None: not decided.

        It may be set, to a cosine distance too; one of another model is refused.
        """
        return self._threshold

    @threshold.setter
    def threshold(self, threshold: Union[OpenSetThreshold, float, None]) -> None:
        if threshold is not None and not isinstance(threshold, OpenSetThreshold):
            threshold = OpenSetThreshold(threshold)
        if threshold is not None:
            self.check_model(threshold.model)
        self._threshold = threshold

    def check_model(self, model: Optional[str]) -> None:
        """Refuse features of another model; None, here or there, may be any.

        Raises:
            ValueError: if both are known and differ.
        """
        if model is not None and self.model is not None and model != self.model:
            reason = 'distances between them mean nothing; build a gallery for each'
            if model.startswith('v2-') and not self.model.startswith('v'):
                reason = 'an older version named models otherwise; build the gallery again'
            elif model.startswith('v2-') and model.split('-')[1] in self.model.split('-')[1:2]:
                reason = f'one model in two precisions, or changed after its export; {reason}'
            raise ValueError(f'the gallery holds features of model {self.model!r}, these are of '
                             f'{model!r}: {reason}')

    def add(self, features: Features, names: Sequence[str], *,
            pids: Optional[Sequence[Label]] = None, camids: Optional[Sequence[Label]] = None,
            infos: Optional[Sequence[Optional[Mapping]]] = None, duplicates: str = 'error',
            model: Optional[str] = None) -> list[str]:
        """Append entries; the first addition trains an index that is to be trained.

        Args:
            features: shape (N, C), of any norm.
            names: of the N entries, such as their paths.
            pids: identities, integers, strings or None; None: all unknown.
            camids: cameras, likewise.
            infos: anything else of each, a dict that JSON can hold, or None.
            duplicates: of a name that is there already, or twice in `names`: 'error' adds
                nothing, 'skip' keeps the first, 'replace' the last.
            model: what made the features, see `check_model`.

        Returns:
            Names that were added or replaced.

        Raises:
            TypeError: if something has another type.
            ValueError: if features are not finite, or of another width or model, lengths differ,
                a name is a duplicate, or there are too few to train with.
        """
        check_choice('duplicates', duplicates, DUPLICATES)
        self.check_model(model)
        entries = make_entries(names, pids, camids, infos)
        if not entries and not len(features):
            return []
        units = self._units(features)
        if len(entries) != len(units):
            raise ValueError(f'{len(units)} features, but {len(entries)} names')
        chosen = choose_added(self.entries, [entry.name for entry in entries], duplicates)
        if not chosen:
            return []
        added = [entries[i] for i in chosen]
        if self.vectors is None:
            self._kind, self.vectors = train(self._kind, units[chosen])
        self.remove([entry.name for entry in added if entry.name in self.entries])
        self.vectors.add(units[chosen])
        self.entries.extend(added)
        return [entry.name for entry in added]

    def remove(self, names: Sequence[str]) -> None:
        """Take entries out; those behind them move up. A graph (hnsw) is built anew, which takes
        as long as building it; ivfpq encodes its approximations once more.

        Raises:
            ValueError: if a name is not there; nothing is removed.
        """
        if isinstance(names, str):
            raise TypeError(f'names is a sequence of names, got the string {names!r}')
        missing = [name for name in names if name not in self.entries]
        if missing:
            raise ValueError(f'{len(missing)} of {len(names)} names are not in the gallery, such '
                             f'as {missing[0]!r}')
        if not len(names):
            return
        gone = set(names)
        rows = [row for row, entry in enumerate(self.entries) if entry.name not in gone]
        kept = self.features(rows)
        self.vectors.reset()
        if rows:
            self.vectors.add(kept)
        self.entries = Entries(self.entries[row] for row in rows)

    def features(self, rows: Optional[Sequence[int]] = None) -> np.ndarray:
        """Unit features of rows, shape (N, C), float32; None: of all. Approximations for ivfpq.

        Raises:
            IndexError: if there is no such row.
        """
        wanted = np.arange(len(self)) if rows is None else np.asarray(rows, np.int64).reshape(-1)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f'rows are 0 to {len(self) - 1}, got {wanted.min()} to {wanted.max()}')
        if not len(wanted):
            return np.empty((0, self.dims), np.float32)
        return self.vectors.reconstruct_batch(wanted)

    def rebuilt(self, kind: Union[str, Mapping, Kind]) -> 'GalleryIndex':
        """The same gallery in another kind of index, or trained anew, to be saved in its place.

        Raises:
            ValueError: if this one is ivfpq, or there are too few entries to train with.
        """
        if isinstance(self.kind, IVFPQ) and len(self):
            raise ValueError('an ivfpq index holds approximations, which no other is made of: '
                             'build one anew from the images or their features')
        other = GalleryIndex(self.dims, kind, self.model)
        other.threshold, other.pattern = self.threshold, self.pattern
        other.manifest = self.manifest
        if len(self):
            features = self.features()
            other._kind, other.vectors = train(other.kind, features)
            other.vectors.add(features)
            other.entries.extend(list(self.entries))
        return other

    def search(self, features: Features, k: int = 10, *, names: Optional[Sequence[str]] = None,
               camids: Optional[Sequence[Label]] = None, rerank: Optional[Rerank] = None,
               threshold: Optional[float] = None, model: Optional[str] = None) -> SearchResult:
        """The nearest entries of each query, equal distances in the order of the rows.

        Args:
            features: of the queries, shape (Q, C), of any norm.
            k: how many; more than there are gives all.
            names: of the queries; an entry of the same name is left out. None: nothing is.
            camids: of the queries; entries of the same camera are left out, for a query of None
                nothing is. None: nothing is.
            rerank: re-rank the nearest candidates; None: do not.
            threshold: cosine distance from which on a query is of nobody known; None: the
                gallery's own, if it has one.
            model: what made the features, see `check_model`.

        Raises:
            TypeError: if something has another type.
            ValueError: if k is not positive, features are not finite or of another width or
                model, or lengths differ.
        """
        check_int('k', k)
        self.check_model(model)
        if threshold is not None:
            check_number('threshold', threshold)
        elif self.threshold is not None:
            threshold = self.threshold.distance
        if rerank is not None and not isinstance(rerank, Rerank):
            raise TypeError(f'rerank={rerank!r} is a Rerank(), or None')
        queries = self._units(features)
        for name, column in (('names', names), ('camids', camids)):
            if column is not None and len(column) != len(queries):
                raise ValueError(f'{len(queries)} queries, but {len(column)} {name}')
        wanted = min(max(k, rerank.candidates) if rerank else k, len(self))
        distances, rows = nearest_others(self.vectors, self.kind, self.entries, queries, wanted,
                                         names, camids)
        order = None
        if rerank is not None:
            order = [rerank.distances(query, self.features(found[found >= 0]))
                     for query, found in zip(queries, rows)]
        return make_result(self.entries, distances, rows, min(k, len(self)), threshold, order)

    def _units(self, features: Features) -> np.ndarray:
        tensor = as_features(features)
        if tensor.shape[1] != self.dims:
            raise ValueError(f'the gallery holds features of width {self.dims}, these are of '
                             f'width {tensor.shape[1]}: are they of another model?')
        return normalised(tensor.cpu().clone()).numpy()
