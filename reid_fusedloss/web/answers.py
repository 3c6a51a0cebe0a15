"""Answer query images from a gallery; the logic of the web page, without its interface."""

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
from ..search import Entry, Gallery, GalleryIndex, Hit, Rerank, load_index
from ..search.storage import read_manifest
from ..visualization.attention import AttentionMaps
from ..whole_file import PathLike

HINT = 'Choose an image to search with.'
ALWAYS = 2.0  # the largest cosine distance: every entry matches


class QuestionError(ValueError):
    """A query that cannot be answered; the message is for the user of the page."""


@dataclass(frozen=True)
class Answer:
    """Answer of the gallery to a query.

    Attributes:
        query: the image as the network saw it, with an attention map unless the model is an
            exported one.
        hits: entries of the gallery, nearest first.
        nearest: cosine distance of the nearest entry.
        threshold: distance at or above which there is no match, or None.
        nearest_entry: the nearest entry, which may not be the first after re-ranking.
    """

    query: AttentionMaps
    hits: list[Hit]
    nearest: float
    threshold: float | None
    nearest_entry: Entry

    @property
    def known(self) -> bool:
        """Whether the nearest entry is a match."""
        return self.threshold is None or self.nearest < self.threshold


class Answers:
    """Answer query images, one at a time for all users.

    Args:
        inferencer: makes the features, with the model that made those of the gallery.
        index: the gallery.
        folder: folder of the gallery; if it has changed, the next query is answered from its new
            state. None: it is on a server, or does not change.

    Attributes:
        index: the gallery that answered the last query.

    Raises:
        ValueError: if the gallery is empty or of another model.
    """

    def __init__(
        self, inferencer: FeatureExtractor, index: Gallery, folder: PathLike | None = None
    ) -> None:
        self.inferencer, self._folder = inferencer, folder
        self.index: Gallery = index
        self._check(index)
        # an exported model has no accessible layers
        self.explainer = Explainer(inferencer) if isinstance(inferencer, ReIDInferencer) else None
        self._lock, self._loading = threading.Lock(), threading.Lock()

    @property
    def grows(self) -> bool:
        """Whether the gallery may change."""
        return self._folder is not None or self.index.on_server

    @property
    def default_threshold(self) -> float:
        """Return the gallery's own threshold, or `ALWAYS` if it has none."""
        threshold = self.index.threshold
        return ALWAYS if threshold is None else threshold.distance

    def current(self) -> Gallery:
        """Return the gallery, loaded again if it has changed on the disk.

        Raises:
            QuestionError: if it can no longer be read, is empty, or of another model.
        """
        if self._folder is None:
            return self.index
        with self._loading:
            try:
                kept = self.index.manifest if isinstance(self.index, GalleryIndex) else None
                if read_manifest(self._folder) != kept:
                    index = load_index(self._folder)
                    self._check(index)
                    self.index = index
            except (OSError, ValueError) as error:
                raise QuestionError(
                    f'The gallery has changed on the disk and cannot be used: '
                    f'{printable(str(error))}.'
                ) from error
            return self.index

    def _check(self, index: Gallery) -> None:
        if not len(index):
            raise ValueError('the gallery is empty: there is nothing to search in')
        index.check_model(model_id(self.inferencer))
        if index.dims != self.inferencer.feat_dims:
            raise ValueError(
                f'the gallery holds features of width {index.dims}, the model makes '
                f'features of width {self.inferencer.feat_dims}: use the model of the gallery'
            )

    def ask(
        self, path: str | None, k: float, rerank: bool = False, threshold: float = ALWAYS
    ) -> Answer:
        """Search with an image.

        Args:
            path: file of the query; None: no image is chosen yet.
            k: number of entries, an integer.
            rerank: re-rank the nearest 100 entries, or k if it is larger.
            threshold: cosine distance at or above which there is no match; `ALWAYS` or more: none.

        Raises:
            QuestionError: if there is no image, it cannot be read, a number is out of range,
                nothing is found, or the gallery can no longer be read.
            FloatingPointError, ValueError: as the inferencer.
        """
        if not path:
            raise QuestionError(HINT)
        if not _is_finite(k) or k != int(k) or k < 1:
            raise QuestionError(f'The number of answers must be an integer, 1 or more, not {k}.')
        if not _is_finite(threshold):
            raise QuestionError(f'The distance must be a number, not {threshold}.')
        index = self.current()
        with self._lock:
            extraction = self.inferencer([path])
            query = self._query(path) if extraction.names else None
        if query is None:
            raise QuestionError(
                f'“{Path(path).name}” is not an image that can be read: it is '
                'corrupt, empty, or of another format.'
            )
        bound = None if threshold >= ALWAYS else float(threshold)
        try:
            result = index.search(
                extraction.features, int(k), threshold=bound, rerank=Rerank() if rerank else None
            )
        except ConnectionError as error:
            raise QuestionError(
                f'The gallery cannot be reached: {printable(str(error))}.'
            ) from error
        (nearest_entry,) = result.nearest_entries
        if nearest_entry is None:
            raise QuestionError(
                'Nothing was found: the index searches only a part of the gallery, '
                'and there are no images in that part.'
            )
        return Answer(query, result.hits[0], float(result.nearest[0]), bound, nearest_entry)

    def _query(self, path: str) -> AttentionMaps | None:
        """Return the query as the network sees it, or None if it cannot be read."""
        if self.explainer is not None:
            return next(iter(self.explainer([path])), None)
        sample = SampleReader(self.inferencer.pipeline)[0, ImageSource(path)].sample
        if isinstance(sample, str):
            return None
        seen = sample['inputs'].flip(0).permute(1, 2, 0).numpy()  # BGR to RGB
        return AttentionMaps(path, np.ascontiguousarray(seen), {})


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
