"""Nearest neighbours of every feature among all features, in bounded memory."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

import numpy as np
import torch
from torch import Tensor

from ..distance import squared_distance_to


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


def nearest_neighbours(
    features: Tensor,
    count: int,
    chunk_size: int,
    backend: str,
    progress: Callable[[float], None] = lambda share: None,
    observe: Callable[[Tensor, int, int], None] = lambda *tile: None,
) -> Neighbours:
    """Find the nearest entries of each feature, itself included by its distance.

    The distances of each pair are computed once, in square tiles that are read along their rows
    and along their columns. One tile is held at a time, the first ones with a transposed copy.

    Args:
        features: shape (N, C), float32; their device computes the distances.
        count: number of neighbours K, at most N.
        chunk_size: a tile has the size of this many rows of the distance matrix.
        backend: 'numpy' or 'torch', whose matrix product.
        progress: called with the share of finished tiles, 0 to 1, after each.
        observe: called with each tile and its first row and column; the tiles below the diagonal
            are missing.
    """
    side = max(1, isqrt(chunk_size * len(features)))
    tiles = torch.split(features, side)
    squared_norms = [torch.linalg.vector_norm(tile, dim=1).square() for tile in tiles]
    lists = [_Lists.empty(tile, count) for tile in tiles]
    done, total = 0, len(tiles) * (len(tiles) + 1) // 2
    buffer = features.new_empty(len(tiles[0]) ** 2)
    for row, rows in enumerate(tiles):
        for column in range(row, len(tiles)):
            shape = len(rows), len(tiles[column])
            tile = squared_distance_to(
                rows,
                tiles[column],
                squared_norms[column],
                backend,
                out=buffer[: shape[0] * shape[1]].view(shape),
            )
            observe(tile, row * side, column * side)
            lists[row].add(tile, column * side, along=1)
            if column > row:
                lists[column].add(tile, row * side, along=0)
            done += 1
            progress(done / total)
    joined = (
        torch.cat(parts).cpu().numpy()
        for parts in zip(*((part.indices, part.values, part.largest) for part in lists))
    )
    indices, values, largest = joined
    return Neighbours(indices, values, np.where(largest == 0, 1, largest))


@dataclass
class _Lists:
    """The nearest entries so far of some rows by value, then index, and the farthest."""

    values: Tensor
    indices: Tensor
    largest: Tensor
    count: int

    @classmethod
    def empty(cls, rows: Tensor, count: int) -> '_Lists':
        """Make empty lists."""
        return cls(
            rows.new_zeros(len(rows), 0),
            rows.new_zeros(len(rows), 0, dtype=torch.int64),
            rows.new_zeros(len(rows)),
            count,
        )

    def add(self, tile: Tensor, first: int, along: int) -> None:
        """Add more distances.

        Args:
            tile: distances of the lists' rows to some entries, or its transpose.
            first: number of the first of these entries; ascends from call to call.
            along: the dimension of the tile along which the entries lie.
        """
        self.largest = torch.maximum(self.largest, tile.amax(dim=along))
        found = self._nearer(tile, along) if self.values.shape[1] == self.count else None
        if found is None:
            tile = tile if along == 1 else tile.T.contiguous()
            found = smallest(tile, min(self.count, tile.shape[1]))
        values, order = torch.cat([self.values, found[0]], dim=1).sort(dim=1, stable=True)
        indices = torch.cat([self.indices, found[1] + first], dim=1).gather(1, order)
        self.values, self.indices = values[:, : self.count], indices[:, : self.count]

    def _nearer(self, tile: Tensor, along: int) -> tuple[Tensor, Tensor] | None:
        """What is nearer than the end of the lists, padded with inf; None where that is much.

        An entry as far as the end of a list comes after it, since its index is higher.
        """
        reach = self.values[:, -1:]
        places = _true_places(tile < (reach if along == 1 else reach.T))
        rows, entries = places // tile.shape[1], places % tile.shape[1]
        values = tile.flatten()[places]
        if along == 0:
            order = entries.argsort(stable=True)
            rows, entries, values = entries[order], rows[order], values[order]
        counts = rows.bincount(minlength=len(reach))
        width = int(counts.max())
        if width > 4 * self.count:
            return None
        position = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[rows]
        padded = tile.new_full((len(reach), width), torch.inf)
        padded[rows, position] = values
        indices = entries.new_zeros(padded.shape)
        indices[rows, position] = entries
        return padded, indices


def _true_places(mask: Tensor) -> Tensor:
    """Flat indices of what is true, ascending; on the CPU by numpy, which is six times as fast."""
    if mask.device.type == 'cpu':
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return mask.flatten().nonzero()[:, 0]


def smallest(block: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Find the smallest entries of each row, ordered by value, then by index.

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
    cut = (values[:, count - 1 : -1] == values[:, -1:]).any(dim=1)
    indices = indices[:, :count].sort(dim=1).values
    values, order = block.gather(1, indices).sort(stable=True, dim=1)
    indices = indices.gather(1, order)
    for row in cut.nonzero()[:, 0].tolist():
        near = (block[row] <= values[row, -1]).nonzero()[:, 0]
        values[row], order = (part[:count] for part in block[row, near].sort(stable=True))
        indices[row] = near[order]
    return values, indices
