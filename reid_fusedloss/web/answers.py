"""From a query image to what the gallery says of it; what the page shows, without the page."""
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ..apis import ReIDInferencer
from ..apis.gallery import model_id
from ..explain import Explainer
from ..search import Entry, GalleryIndex, Hit, Rerank
from ..visualization.attention import AttentionMaps

HINT = 'Choose an image to search with.'
ALWAYS = 2.  # the largest cosine distance: everybody is near enough


class QuestionError(ValueError):
    """A question that has no answer; its text is for the user of the page."""


@dataclass(frozen=True)
class Answer:
    """What the gallery says of a query.

    Attributes:
        query: the image as the network saw it, and where the network looked.
        hits: entries of the gallery, nearest first.
        nearest: cosine distance of the nearest entry.
        threshold: distance from which on nobody is known, or None.
        nearest_entry: the nearest entry, which re-ranking may have put elsewhere.
    """
    query: AttentionMaps
    hits: list[Hit]
    nearest: float
    threshold: Optional[float]
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

    Raises:
        ValueError: if the gallery is empty or of another model.
    """

    def __init__(self, inferencer: ReIDInferencer, index: GalleryIndex) -> None:
        if not len(index):
            raise ValueError('the gallery is empty: there is nothing to search in')
        index.check_model(model_id(inferencer))
        if index.dims != inferencer.feat_dims:
            raise ValueError(f'the gallery holds features of width {index.dims}, the model makes '
                             f'such of width {inferencer.feat_dims}: it is of another model')
        self.inferencer, self.index = inferencer, index
        self.explainer = Explainer(inferencer)
        self._lock = threading.Lock()

    @property
    def default_threshold(self) -> float:
        """The gallery's own threshold; `ALWAYS` if it has none."""
        return ALWAYS if self.index.threshold is None else self.index.threshold.distance

    def ask(self, path: Optional[str], k: int, rerank: bool = False,
            threshold: float = ALWAYS) -> Answer:
        """Search with an image.

        Args:
            path: file of the query; None: there is none yet.
            k: how many entries.
            rerank: re-rank the nearest hundred, or k if these are more.
            threshold: cosine distance from which on nobody is known; `ALWAYS` or more: none.

        Raises:
            QuestionError: if there is no image, it cannot be read, a number is out of range, or
                nothing is found.
            FloatingPointError, ValueError: as the inferencer.
        """
        if not path:
            raise QuestionError(HINT)
        if not _is_finite(k) or k != int(k) or k < 1:
            raise QuestionError(f'The number of answers is 1 or more, not {k}.')
        if not _is_finite(threshold):
            raise QuestionError(f'The distance is a number, not {threshold}.')
        with self._lock:
            extraction = self.inferencer([path])
            if not extraction.names:
                raise QuestionError(f'“{Path(path).name}” is not an image that can be read: it is '
                                    'damaged, empty, or of another kind.')
            query, = self.explainer([path])
        bound = None if threshold >= ALWAYS else float(threshold)
        result = self.index.search(extraction.features, int(k), threshold=bound,
                                   rerank=Rerank() if rerank else None)
        if not result.hits[0]:
            raise QuestionError('Nothing was found: the index looks into a part of the gallery, '
                                'and there are no images in that part.')
        return Answer(query, result.hits[0], float(result.nearest[0]), bound,
                      result.nearest_entries[0])


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
