"""The result of an extraction: features with the names of their images."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Extraction:
    """Features of the images that could be read.

    Attributes:
        features: shape (N, C), float32; of unit length, unless normalisation was switched off.
        names: of the N images, in the order of the inputs: their paths, or a placeholder such as
            'image 3' for the fourth input. An image that is given twice is listed twice.
        unreadable: name -> reason, of the images that could not be read.
        indices: positions of the N images among all inputs, where each image of a folder counts;
            for crops of a video, their rows among its boxes. Empty if the features were read from
            a file.
    """

    features: np.ndarray
    names: list[str]
    unreadable: dict[str, str]
    indices: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)


def join_extractions(parts: Iterable[Extraction], feat_dims: int) -> Extraction:
    """Concatenate extractions.

    Args:
        parts: in order.
        feat_dims: C; without parts the features have shape (0, C).
    """
    parts = list(parts)
    return Extraction(
        np.concatenate([np.empty((0, feat_dims), np.float32), *(part.features for part in parts)]),
        [name for part in parts for name in part.names],
        {name: reason for part in parts for name, reason in part.unreadable.items()},
        [index for part in parts for index in part.indices],
    )
