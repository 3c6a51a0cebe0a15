"""From a query image to what the gallery says of it; what the page shows, without the page."""

import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..apis import FeatureExtractor, ReIDInferencer
from ..apis.gallery import model_id
from ..apis.images import SampleReader
from ..apis.sources import ImageSource
from ..explain import Explainer
from ..printable import printable
from ..search import Entry, GalleryIndex, Hit, Rerank, load_index
from ..search.storage import PathLike, read_manifest
from ..visualization.attention import AttentionMaps

HINT = 'Choose an image to search with.'
ALWAYS = 2.0  # the largest cosine distance: everybody is near enough


class QuestionError(ValueError):
    """A question that has no answer; its text is for the user of the page."""


@dataclass(frozen=True)
class Answer:
    """What the gallery says of a query.

    Attributes:
        query: the image as the network saw it, and where the network looked; an exported model
            does not tell where.
        hits: entries of the gallery, nearest first.
        nearest: cosine distance of the nearest entry.
        threshold: distance from which on nobody is known, or None.
        nearest_entry: the nearest entry, which re-ranking may have put elsewhere.
    """

    query: AttentionMaps
    hits: list[Hit]
    nearest: float
    threshold: float | None
    nearest_entry: Entry

    @property
    def known(self) -> bool:
        """Whether the nearest entry is near enough."""
        return self.threshold is None or self.nearest < self.threshold


class Answers:
    """Answers questions about query images, one at a time whoever asks.

    Args:
        inferencer: makes the features; the model that made those of the gallery.
        index: the gallery.
        folder: where the gallery is kept; when it has changed there, the next question is
            answered from its new state, all of it. None: it stays as it is.

    Attributes:
        index: the gallery that the last question was answered from.

    Raises:
        ValueError: if the gallery is empty or of another model.
    """

    def __init__(
        self, inferencer: FeatureExtractor, index: GalleryIndex, folder: PathLike | None = None
    ) -> None:
        self.inferencer, self.index, self._folder = inferencer, index, folder
        self._check(index)
        # an exported model has no layers to look at
        self.explainer = Explainer(inferencer) if isinstance(inferencer, ReIDInferencer) else None
        self._lock, self._loading = threading.Lock(), threading.Lock()

    @property
    def grows(self) -> bool:
        """Whether the gallery may change."""
        return self._folder is not None

    @property
    def default_threshold(self) -> float:
        """The gallery's own threshold; `ALWAYS` if it has none."""
        return ALWAYS if self.index.threshold is None else self.index.threshold.distance

    def current(self) -> GalleryIndex:
        """The gallery as it is on the disk by now.

        Raises:
            QuestionError: if it cannot be read any more, is empty, or of another model.
        """
        if self._folder is None:
            return self.index
        with self._loading:
            try:
                if read_manifest(self._folder) != self.index.manifest:
                    index = load_index(self._folder)
                    self._check(index)
                    self.index = index
            except (OSError, ValueError) as error:
                raise QuestionError(
                    f'The gallery has changed on the disk and cannot be used: '
                    f'{printable(str(error))}.'
                ) from error
            return self.index

    def _check(self, index: GalleryIndex) -> None:
        if not len(index):
            raise ValueError('the gallery is empty: there is nothing to search in')
        index.check_model(model_id(self.inferencer))
        if index.dims != self.inferencer.feat_dims:
            raise ValueError(
                f'the gallery holds features of width {index.dims}, the model makes '
                f'such of width {self.inferencer.feat_dims}: it is of another model'
            )

    def ask(
        self, path: str | None, k: int, rerank: bool = False, threshold: float = ALWAYS
    ) -> Answer:
        """Search with an image.

        Args:
            path: file of the query; None: there is none yet.
            k: how many entries.
            rerank: re-rank the nearest hundred, or k if these are more.
            threshold: cosine distance from which on nobody is known; `ALWAYS` or more: none.

        Raises:
            QuestionError: if there is no image, it cannot be read, a number is out of range,
                nothing is found, or the gallery cannot be read any more.
            FloatingPointError, ValueError: as the inferencer.
        """
        if not path:
            raise QuestionError(HINT)
        if not _is_finite(k) or k != int(k) or k < 1:
            raise QuestionError(f'The number of answers is 1 or more, not {k}.')
        if not _is_finite(threshold):
            raise QuestionError(f'The distance is a number, not {threshold}.')
        index = self.current()
        with self._lock:
            extraction = self.inferencer([path])
            query = self._query(path) if extraction.names else None
        if query is None:
            raise QuestionError(
                f'“{Path(path).name}” is not an image that can be read: it is '
                'damaged, empty, or of another kind.'
            )
        bound = None if threshold >= ALWAYS else float(threshold)
        result = index.search(
            extraction.features, int(k), threshold=bound, rerank=Rerank() if rerank else None
        )
        if not result.hits[0]:
            raise QuestionError(
                'Nothing was found: the index looks into a part of the gallery, '
                'and there are no images in that part.'
            )
        return Answer(
            query, result.hits[0], float(result.nearest[0]), bound, result.nearest_entries[0]
        )

    def _query(self, path: str) -> AttentionMaps | None:
        """The query as the network sees it; None: it cannot be read."""
        if self.explainer is not None:
            return next(iter(self.explainer([path])), None)
        sample = SampleReader(self.inferencer.pipeline)[0, ImageSource(path)].sample
        if isinstance(sample, str):
            return None
        seen = sample['inputs'].flip(0).permute(1, 2, 0).numpy()  # BGR to RGB
        return AttentionMaps(path, np.ascontiguousarray(seen), {})


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
