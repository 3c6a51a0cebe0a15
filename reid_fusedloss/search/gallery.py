"""What a search, an update or a page uses of a gallery, wherever its entries are kept."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..checks import check_choice, check_int, check_number
from ..functional.features import Features, as_features, normalised
from .entries import Entry, EntryView, Label, make_entries
from .kinds import Kind, KindConfig
from .model_check import check_same_model
from .open_set import OpenSetThreshold
from .rerank import Rerank
from .result import SearchResult

DUPLICATES = ('error', 'skip', 'replace')


class Gallery(ABC):
    """Features and entries of a gallery, searched by cosine distance.

    Args:
        dims: width of the features.
        model: id of the model that made the features, such as `apis.model_id`; None: unknown,
            features of any model are accepted.

    Attributes:
        on_server: whether a server keeps the entries. Then each change is kept at once, other
            processes may change the gallery too, and visiting all entries takes long.
        pattern: regular expression by which labels are read from file names, see
            `apis.update_gallery`; None: they come from another source.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or is out of range.
    """

    on_server: ClassVar[bool] = False
    pattern: str | None

    def __init__(self, dims: int, model: str | None = None) -> None:
        check_int('dims', dims)
        if model is not None and not isinstance(model, str):
            raise TypeError(f'model={model!r} must be a string that names a model, or None')
        self.dims, self.model = dims, model

    def __len__(self) -> int:
        return len(self.entries)

    @property
    @abstractmethod
    def entries(self) -> EntryView:
        """Return the entries."""

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """Return the kind of the index with its options."""

    @abstractmethod
    def in_kind(self, kind: KindConfig) -> 'Gallery':
        """Return this gallery in another kind of index; options that are not given stay.

        Raises:
            TypeError, ValueError: if there is no such kind, or it cannot be made of this one.
        """

    @property
    def threshold(self) -> OpenSetThreshold | None:
        """Return the distance below which an entry counts as the query's identity; None: not set.

        It can be set to a threshold of the same model, or to a cosine distance.
        """
        return self._read_threshold()

    @threshold.setter
    def threshold(self, threshold: OpenSetThreshold | float | None) -> None:
        if threshold is not None and not isinstance(threshold, OpenSetThreshold):
            threshold = OpenSetThreshold(threshold)
        if threshold is not None:
            self.check_model(threshold.model)
        self._keep_threshold(threshold)

    def check_model(self, model: str | None) -> None:
        """Refuse features of another model; None matches any model.

        Raises:
            ValueError: if both models are known and differ.
        """
        check_same_model(self.model, model)

    @abstractmethod
    def find(self, names: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of those of the names that exist."""

    @abstractmethod
    def numeric_labels(self) -> set[str]:
        """Return which of 'pid' and 'camid' are numbers wherever they are known."""

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
        return self._add(units, entries, duplicates)

    def remove(self, names: Sequence[str]) -> None:
        """Remove entries.

        Raises:
            ValueError: if a name is unknown; then nothing is removed.
        """
        if isinstance(names, str):
            raise TypeError(f'names must be a sequence of names, got the string {names!r}')
        self._remove(names)

    @abstractmethod
    def relabel(self, label: Callable[[Entry], Entry]) -> None:
        """Change identities, cameras or infos of entries; names stay.

        Args:
            label: function from an entry to its replacement.

        Raises:
            ValueError: if it changes a name.
        """

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
        """Find the nearest entries of each query.

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
        units = self._units(features)
        check_int('k', k)
        if threshold is not None:
            check_number('threshold', threshold)
        else:
            own = self.threshold
            threshold = None if own is None else own.distance
        if rerank is not None and not isinstance(rerank, Rerank):
            raise TypeError(f'rerank={rerank!r} must be a Rerank() or None')
        for name, column in (('names', names), ('camids', camids)):
            if column is not None and len(column) != len(units):
                raise ValueError(f'{len(units)} queries, but {len(column)} {name}')
        return self._search(units, k, names, camids, rerank, threshold)

    @abstractmethod
    def _read_threshold(self) -> OpenSetThreshold | None: ...

    @abstractmethod
    def _keep_threshold(self, threshold: OpenSetThreshold | None) -> None: ...

    @abstractmethod
    def _add(self, units: np.ndarray, entries: list[Entry], duplicates: str) -> list[str]: ...

    @abstractmethod
    def _remove(self, names: Sequence[str]) -> None: ...

    @abstractmethod
    def _search(
        self,
        units: np.ndarray,
        k: int,
        names: Sequence[str] | None,
        camids: Sequence[Label] | None,
        rerank: Rerank | None,
        threshold: float | None,
    ) -> SearchResult: ...

    def _units(self, features: Features) -> np.ndarray:
        tensor = as_features(features)
        if tensor.shape[1] != self.dims:
            raise ValueError(
                f'the gallery holds features of width {self.dims}, these are of '
                f'width {tensor.shape[1]}: are they of another model?'
            )
        return normalised(tensor.cpu().clone()).numpy()
