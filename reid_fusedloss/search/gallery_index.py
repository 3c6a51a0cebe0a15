"""A gallery that answers 'who is this?'."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import check_choice, check_int
from ..functional.features import Features, as_features, normalised
from .asking import search_contents
from .build import adjusted, is_same_build
from .contents import Contents, features_of
from .entries import Entries, Entry, Label, choose_added, make_entries
from .kinds import IVFPQ, Kind, load_faiss, make_kind
from .open_set import OpenSetThreshold
from .rerank import Rerank
from .result import SearchResult
from .storage import ROWS

DUPLICATES = ('error', 'skip', 'replace')


class GalleryIndex:
    """Features of a gallery and what is known of its entries, searched by cosine distance.

    All changes are made in memory; `save_index` writes them to a folder, `load_index` reads it.
    Threads may search in it while one changes it: each sees it before or after the change.

    Args:
        dims: width of the features.
        kind: 'flat' (exact), 'ivf', 'hnsw', 'ivfpq', or dict(type=name, option=...), see
            `search.kinds`.
        model: what made the features, such as `apis.model_id`; None: unknown, and
            features of any model are taken.

    Attributes:
        pattern: regular expression of the file names that its labels are from, see
            `apis.update_gallery`; None: they are from elsewhere.

    Raises:
        TypeError, ValueError: if an argument has another type or is out of range.
        ImportError: if faiss is not installed.
    """

    def __init__(
        self, dims: int, kind: str | Mapping | Kind = 'flat', model: str | None = None
    ) -> None:
        check_int('dims', dims)
        if model is not None and not isinstance(model, str):
            raise TypeError(f'model={model!r} is a string that names a model, or None')
        load_faiss()
        self.dims, self.model = dims, model
        self.contents = Contents(make_kind(kind))
        self.pattern: str | None = None
        self._threshold: OpenSetThreshold | None = None
        self.manifest: dict[str, Any] | None = None  # of the state on the disk

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def entries(self) -> Entries:
        """By row, what is known."""
        return self.contents.state.entries

    @property
    def vectors(self) -> Any:
        """The faiss index of the unit features, from the first addition on, else None."""
        return self.contents.state.vectors

    @property
    def kind(self) -> Kind:
        """Kind of the index with its numbers; those of a search, nprobe and ef_search, may be set.

        Numbers of the build that are not given stay; to set others is a ValueError, see `rebuilt`.
        """
        return self.contents.state.kind

    @kind.setter
    def kind(self, kind: str | Mapping | Kind) -> None:
        with self.contents.changing() as state:
            kind = adjusted(state.kind, kind)
            if not is_same_build(kind, state.kind):
                raise ValueError(
                    f'the index is built as {state.kind}: rebuilt({kind}) makes another'
                )
            self.contents.replace(state._replace(kind=kind), unsaved=())

    @property
    def threshold(self) -> OpenSetThreshold | None:
        """How near an entry must be for its identity to be claimed; None: not decided.

        It may be set, to a cosine distance too; one of another model is refused.
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
        infos: Sequence[Mapping | None] | None = None,
        duplicates: str = 'error',
        model: str | None = None,
    ) -> list[str]:
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
        with self.contents.changing() as state:
            chosen = choose_added(state.entries, [entry.name for entry in entries], duplicates)
            added = [entries[i] for i in chosen]
            if added:
                replaced = {entry.name for entry in added if entry.name in state.entries}
                self.contents.change(replaced, units[chosen], added)
        return [entry.name for entry in added]

    def remove(self, names: Sequence[str]) -> None:
        """Take entries out; those behind them move up. A graph (hnsw) is built again, which
        takes as long as building it; ivfpq encodes its approximations once more.

        Raises:
            ValueError: if a name is not there; nothing is removed.
        """
        if isinstance(names, str):
            raise TypeError(f'names is a sequence of names, got the string {names!r}')
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
        """Give entries other identities, cameras or infos; names and rows stay.

        Args:
            label: from an entry to what takes its place.

        Raises:
            ValueError: if it changes a name.
        """
        with self.contents.changing() as state:
            entries = Entries(map(label, state.entries))
            if any(entry.name != old.name for entry, old in zip(entries, state.entries)):
                raise ValueError('label() gives an entry another name: remove it, and add another')
            if list(entries) != list(state.entries):
                self.contents.replace(state._replace(entries=entries), [ROWS])

    def features(self, rows: Sequence[int] | None = None) -> np.ndarray:
        """Unit features of rows, shape (N, C), float32; None: of all. Approximations for ivfpq.

        Raises:
            IndexError: if there is no such row.
        """
        with self.contents.reading() as state:
            return features_of(state, self.dims, rows)

    def rebuilt(self, kind: str | Mapping | Kind) -> 'GalleryIndex':
        """The same gallery in another kind of index, or trained again, to be saved in its place.

        Raises:
            ValueError: if this one is ivfpq, or there are too few entries to train with.
        """
        with self.contents.changing() as state:
            if isinstance(state.kind, IVFPQ) and len(state.entries):
                raise ValueError(
                    'an ivfpq index holds approximations, which no other is made of: '
                    'build one again from the images or their features'
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
