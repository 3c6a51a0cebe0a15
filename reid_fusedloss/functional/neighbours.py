"""Nearest neighbours of every feature among all features, in bounded memory."""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

import numpy as np
import torch
from torch import Tensor

from .distance import squared_distance_to


@dataclass(frozen=True)
class Neighbours:
    """The nearest entries of each of N features among the same N.

    Attributes:
        indices: shape (N, K), int64, ordered by distance, then by index.
        squared_distances: their squared Euclidean distances, shape (N, K), float32.
        scale: largest squared distance to any of the N, shape (N,), float32; 1 if all are 0.
    """
    indices: np.ndarray
    squared_distances: np.ndarray
    scale: np.ndarray


def nearest_neighbours(features: Tensor,
                       count: int,
                       chunk_size: int,
                       progress: Optional[Callable[[int], None]] = None) -> Neighbours:
    """Find the nearest entries of each feature, itself included by its distance.

    Args:
        features: shape (N, C), float32; their device computes the distances.
        count: number of neighbours K, at most N.
        chunk_size: rows of the distance matrix held at a time.
        progress: called with the number of finished rows after each block.
    """
    squared_norm = torch.linalg.vector_norm(features, dim=1).square()
    indices, values, scale, done = [], [], [], 0
    for rows in features.split(chunk_size):
        block = squared_distance_to(rows, features, squared_norm)
        nearest = smallest(block, count)
        values.append(nearest[0])
        indices.append(nearest[1])
        farthest = block.amax(dim=1)
        scale.append(farthest.masked_fill(farthest == 0, 1))
        done += len(rows)
        if progress is not None:
            progress(done)
    joined = (torch.cat(parts).cpu().numpy() for parts in (indices, values, scale))
    return Neighbours(*joined)


def smallest(block: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The smallest entries of each row, ordered by value, then by index.

    `torch.topk` leaves open which of equal entries it takes. Equal entries inside the list are
    put in order; a list cut in the midst of equal entries is chosen again from all of them.

    Args:
        block: shape (B, N).
        count: number of entries to take, at most N.

    Returns:
        values and indices, both of shape (B, count).
    """
    reach = min(count + 1, block.shape[1])
    values, indices = block.topk(reach, dim=1, largest=False)
    cut = (values[:, count - 1:-1] == values[:, -1:]).any(dim=1)
    indices = indices[:, :count].sort(dim=1).values
    values, order = block.gather(1, indices).sort(stable=True, dim=1)
    indices = indices.gather(1, order)
    for row in cut.nonzero()[:, 0].tolist():
        near = (block[row] <= values[row, -1]).nonzero()[:, 0]
        values[row], order = (part[:count] for part in block[row, near].sort(stable=True))
        indices[row] = near[order]
    return values, indices
