"""An index of a gallery's features and labels, to search in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import check_choice, check_int
from ..functional.features import Features, as_features, normalised
from .build import adjusted, is_same_build
from .contents import Contents, features_of
from .entries import Entries, Entry, Label, choose_added, make_entries
from .kinds import IVFPQ, Kind, KindConfig, load_faiss, make_kind
from .open_set import OpenSetThreshold
from .rerank import Rerank
from .result import SearchResult
from .search_contents import search_contents
from .storage import ROWS

DUPLICATES = ('error', 'skip', 'replace')


class GalleryIndex:
    """Features and entries of a gallery, searched by cosine distance.

    All changes are made in memory; `save_index` writes them to a folder, `load_index` reads it.
    Threads may search while another one changes the index; each sees the state before or after the
    change.

    Args:
        dims: width of the features.
        kind: 'flat' (exact), 'ivf', 'hnsw', 'ivfpq', or dict(type=name, option=...), see
            `search.kinds`.
        model: id of the model that made the features, such as `apis.model_id`; None: unknown,
            features of any model are accepted.

    Attributes:
        pattern: regular expression by which labels are read from file names, see
            `apis.update_gallery`; None: they come from another source.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or is out of range.
        ImportError: if faiss is not installed.
    """

    def __init__(self, dims: int, kind: KindConfig = 'flat', model: str | None = None) -> None:
        check_int('dims', dims)
        if model is not None and not isinstance(model, str):
            raise TypeError(f'model={model!r} must be a string that names a model, or None')
        load_faiss()
        self.dims, self.model = dims, model
        self.contents = Contents(make_kind(kind))
        self.pattern: str | None = None
        self._threshold: OpenSetThreshold | None = None
        self.manifest: dict[str, Any] | None = None  # manifest of the state on the disk

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def entries(self) -> Entries:
        """Return the entries by row."""
        return self.contents.state.entries

    @property
    def vectors(self) -> Any:
        """Return the faiss index of the unit features; None before the first addition."""
        return self.contents.state.vectors

    @property
    def kind(self) -> Kind:
        """Return the kind of the index with its options.

        The options of the search, nprobe and ef_search, can be set. Options of the build that are
        not given stay; setting another value is a ValueError, see `rebuilt`.
        """
        return self.contents.state.kind

    @kind.setter
    def kind(self, kind: KindConfig) -> None:
        with self.contents.changing() as state:
            new = adjusted(state.kind, kind)
            if not is_same_build(new, state.kind):
                raise ValueError(
                    f'the index is built as {state.kind}: use rebuilt({new}) to make another'
                )
            self.contents.replace(state._replace(kind=new), unsaved=())

    @property
    def threshold(self) -> OpenSetThreshold | None:
        """Return the distance below which an entry counts as the query's identity; None: not set.

        It can be set to a threshold of the same model, or to a cosine distance.
        """
        return self._threshold

    @threshold.setter
    def threshold(self, threshold: OpenSetThreshold | float | None) -> None:
        if threshold is not None and not isinstance(threshold, OpenSetThreshold):
            threshold = OpenSetThreshold(threshold)
        if threshold is not None:
            self.check_model(threshold.model)
        self._threshold = threshold

    def check_model(self, model: str | None) -> None:
        """Refuse features of another model; None matches any model.

        Raises:
            ValueError: if both models are known and differ.
        """
        if model is not None and self.model is not None and model != self.model:
            reason = 'distances between them mean nothing; build a gallery for each'
            if model.startswith('v2-') and not self.model.startswith('v'):
                reason = 'an older version named models otherwise; build the gallery again'
            elif model.startswith('v2-') and model.split('-')[1] in self.model.split('-')[1:2]:
                reason = f'one model in two precisions, or changed after its export; {reason}'
            raise ValueError(
                f'the gallery holds features of model {self.model!r}, these are of '
                f'{model!r}: {reason}'
            )

    def add(
        self,
        features: Features,
        names: Sequence[str],
        *,
        pids: Sequence[Label] | None = None,
        camids: Sequence[Label] | None = None,
        infos: Sequence[Mapping[str, Any] | None] | None = None,
        duplicates: str = 'error',
        model: str | None = None,
    ) -> list[str]:
        """Append entries; the first addition trains the index if its kind needs training.

        Args:
            features: shape (N, C), of any norm.
            names: names of the N entries, such as their paths.
            pids: identities, integers, strings or None; None: all unknown.
            camids: cameras, likewise.
            infos: any other data of each entry, a dict that JSON can hold, or None.
            duplicates: what to do with a name that exists already or twice in `names`: 'error'
                adds nothing, 'skip' keeps the first entry, 'replace' the last.
            model: id of the model that made the features, see `check_model`.

        Returns:
            Names that were added or replaced.

        Raises:
            TypeError: if an argument has the wrong type.
            ValueError: if features are not finite, or of another width or model, lengths differ,
                a name is a duplicate, or there are too few entries to train the index.
        """
        check_choice('duplicates', duplicates, DUPLICATES)
        self.check_model(model)
        entries = make_entries(names, pids, camids, infos)
        if not entries and not len(features):
            return []
        units = self._units(features)
        if len(entries) != len(units):
            raise ValueError(f'{len(units)} features, but {len(entries)} names')
        with self.contents.changing() as state:
            chosen = choose_added(state.entries, [entry.name for entry in entries], duplicates)
            added = [entries[i] for i in chosen]
            if added:
                replaced = {entry.name for entry in added if entry.name in state.entries}
                self.contents.change(replaced, units[chosen], added)
        return [entry.name for entry in added]

    def remove(self, names: Sequence[str]) -> None:
        """Remove entries; later rows move up.

        A graph (hnsw) is built again, which takes as long as the first time; ivfpq encodes its
        approximations again.

        Raises:
            ValueError: if a name is unknown; then nothing is removed.
        """
        if isinstance(names, str):
            raise TypeError(f'names must be a sequence of names, got the string {names!r}')
        with self.contents.changing() as state:
            missing = [name for name in names if name not in state.entries]
            if missing:
                raise ValueError(
                    f'{len(missing)} of {len(names)} names are not in the gallery, '
                    f'such as {missing[0]!r}'
                )
            if len(names):
                self.contents.change(set(names), np.empty((0, self.dims), np.float32), [])

    def relabel(self, label: Callable[[Entry], Entry]) -> None:
        """Change identities, cameras or infos of entries; names and rows stay.

        Args:
            label: function from an entry to its replacement.

        Raises:
            ValueError: if it changes a name.
        """
        with self.contents.changing() as state:
            entries = Entries(map(label, state.entries))
            if any(entry.name != old.name for entry, old in zip(entries, state.entries)):
                raise ValueError(
                    'label() must keep the names of entries: to rename one, remove it and add it '
                    'again'
                )
            if list(entries) != list(state.entries):
                self.contents.replace(state._replace(entries=entries), [ROWS])

    def features(self, rows: Sequence[int] | None = None) -> np.ndarray:
        """Return unit features of rows; approximations for ivfpq.

        Args:
            rows: N rows; None: all.

        Returns:
            Shape (N, C), float32.

        Raises:
            IndexError: if a row does not exist.
        """
        with self.contents.reading() as state:
            return features_of(state, self.dims, rows)

    def rebuilt(self, kind: KindConfig) -> 'GalleryIndex':
        """Build the same gallery as another kind of index, or train it again; it can replace this.

        Raises:
            ValueError: if this index is ivfpq, or there are too few entries to train the new one.
        """
        with self.contents.changing() as state:
            if isinstance(state.kind, IVFPQ) and len(state.entries):
                raise ValueError(
                    'an ivfpq index holds only approximations, from which no other index can be '
                    'made: build one again from the images or their features'
                )
            other = GalleryIndex(self.dims, kind, self.model)
            other.threshold, other.pattern = self.threshold, self.pattern
            other.manifest = self.manifest
            if len(state.entries):
                other.contents.change((), features_of(state, self.dims), list(state.entries))
        return other

    def search(
        self,
        features: Features,
        k: int = 10,
        *,
        names: Sequence[str] | None = None,
        camids: Sequence[Label] | None = None,
        rerank: Rerank | None = None,
        threshold: float | None = None,
        model: str | None = None,
    ) -> SearchResult:
        """Find the nearest entries of each query; ties are in the order of the rows.

        Args:
            features: features of the queries, shape (Q, C), of any norm.
            k: number of entries to return, at most all.
            names: names of the queries; an entry of the same name is left out. None: none is.
            camids: cameras of the queries; entries of the same camera are left out, except for a
                query whose camera is None. None: none is.
            rerank: re-rank the nearest candidates; None: do not.
            threshold: cosine distance at or above which a query has no match; None: the gallery's
                own threshold, if it has one.
            model: id of the model that made the features, see `check_model`.

        Raises:
            TypeError: if an argument has the wrong type.
            ValueError: if k is not positive, features are not finite or of another width or
                model, or lengths differ.
        """
        self.check_model(model)
        if threshold is None and self.threshold is not None:
            threshold = self.threshold.distance
        return search_contents(
            self.contents, self._units(features), k, names, camids, rerank, threshold
        )

    def _units(self, features: Features) -> np.ndarray:
        tensor = as_features(features)
        if tensor.shape[1] != self.dims:
            raise ValueError(
                f'the gallery holds features of width {self.dims}, these are of '
                f'width {tensor.shape[1]}: are they of another model?'
            )
        return normalised(tensor.cpu().clone()).numpy()
