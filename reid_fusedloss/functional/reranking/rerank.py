"""Re-ranking with k-reciprocal encoding (Zhong et al., CVPR 2017), exact and sparse.

The classic code holds several dense N x N matrices, N = Q + G. Here the all-pairs distances pass
by in blocks and only the k1 + 1 nearest of each row stay; reciprocal sets, their expansion and
the encodings V are sparse matrices, and the Jaccard distance is gathered through the columns of V.
"""

from collections.abc import Callable, Iterator
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from ..backend import choose_backend
from ..distance import CHUNK_SIZE, check_chunk_size, squared_distance_to
from ..features import Features, as_feature_pair, normalised
from .encoding import encode
from .jaccard import add_jaccard
from .neighbours import nearest_neighbours

Progress = Callable[[int, int], None]

KEEP_LIMIT = 2**28  # bytes


def k_reciprocal_rerank(
    query: Features,
    gallery: Features,
    *,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
    chunk_size: int = CHUNK_SIZE,
    backend: str = 'auto',
    progress: Progress | None = None,
) -> Tensor:
    """Re-rank by the distances (1 - lambda) * Jaccard + lambda * original (Zhong et al., eq. 12).

    Equal to the authors' code fed with the Euclidean distances of the L2-normalised features; the
    original distance is their square, divided by the query's largest to query and gallery. Equal
    distances are ordered by index, query first. As there, neighbour lists end at N = Q + G where
    k1 >= N, and zero vectors are at distance 0 from each other and 1 from the rest.

    Args:
        query: features, shape (Q, C), of any norm.
        gallery: features, shape (G, C), on the query's device, which computes the distances.
        k1: size of the k-reciprocal sets, without the probe itself.
        k2: number of neighbours, the entry included, whose encodings are averaged; 1: none.
        lambda_value: weight of the original distance, 0 to 1.
        chunk_size: how many rows of the all-pairs distances, of N float32 each, take as much
            memory as a tile of them; two tiles are held at a time.
        backend: whose matrix product, see `choose_backend`.
        progress: called with (done, total) rows after each part, total = 2 Q + G.

    Returns:
        Distances, shape (Q, G), float32, on the CPU.

    Raises:
        TypeError: if features are not of a floating-point type, or k1 or k2 no integer.
        ValueError: if the features are empty, not finite or do not fit each other, or not
            k1 >= 1, 1 <= k2 <= k1 + 1, 0 <= lambda_value <= 1 and chunk_size >= 1, or the back
            end is unknown.
    """
    check_rerank_options(k1, k2, lambda_value)
    work = _Reranking(query, gallery, k1, k2, lambda_value, chunk_size, backend)
    work.keep()
    for _ in work.blocks(progress):
        pass
    return torch.from_numpy(work.kept)


def rerank_blocks(
    query: Features,
    gallery: Features,
    *,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
    chunk_size: int = CHUNK_SIZE,
    backend: str = 'auto',
    keep_limit: int = KEEP_LIMIT,
    progress: Progress | None = None,
) -> Iterator[np.ndarray]:
    """`k_reciprocal_rerank` without its (Q, G) result: some queries at a time.

    Arguments and errors are those of `k_reciprocal_rerank`. The work starts with the first block.
    The original distances of queries to gallery are kept from the search of neighbours if they
    take at most `keep_limit` bytes (4 Q G), and computed a second time if they take more.

    Returns:
        Iterator over blocks of shape (up to chunk_size, G), float32, in the order of the queries.
    """
    check_rerank_options(k1, k2, lambda_value)
    work = _Reranking(query, gallery, k1, k2, lambda_value, chunk_size, backend)
    if 4 * len(query) * len(gallery) <= keep_limit:
        work.keep()
    return work.blocks(progress)


def check_rerank_options(k1: int = 20, k2: int = 6, lambda_value: float = 0.3) -> None:
    """Check the options of `k_reciprocal_rerank` before any feature is computed."""
    for name, value in (('k1', k1), ('k2', k2)):
        if not isinstance(value, Integral):
            raise TypeError(f'{name} is an integer, got {value!r}')
    if k1 < 1 or not 1 <= k2 <= k1 + 1:
        raise ValueError(f'expected k1 >= 1 and 1 <= k2 <= k1 + 1, got k1={k1}, k2={k2}')
    if not 0 <= lambda_value <= 1:
        raise ValueError(f'lambda_value is between 0 and 1, got {lambda_value}')


class _Reranking:
    """One re-ranking; holds the normalised features and, if asked to, the (Q, G) distances."""

    def __init__(
        self,
        query: Features,
        gallery: Features,
        k1: int,
        k2: int,
        lambda_value: float,
        chunk_size: int,
        backend: str,
    ) -> None:
        check_chunk_size(chunk_size)
        query, gallery = as_feature_pair(query, gallery)
        self.backend = choose_backend(backend, query.device)
        self.features = normalised(torch.cat([query, gallery]))
        self.query, self.gallery = torch.split(self.features, [len(query), len(gallery)])
        self.gallery_squared_norm = torch.linalg.vector_norm(self.gallery, dim=1).square()
        self.k1, self.k2, self.lambda_value = k1, k2, lambda_value
        self.chunk_size = chunk_size
        self.kept: np.ndarray | None = None

    def keep(self) -> None:
        """Keep the original distances as they pass by; the blocks overwrite them."""
        self.kept = np.empty((len(self.query), len(self.gallery)), np.float32)

    def blocks(self, progress: Progress | None) -> Iterator[np.ndarray]:
        """Yield the re-ranked distances of some queries at a time."""
        number, num_queries = len(self.features), len(self.query)

        def report(done: int) -> None:
            if progress is not None:
                progress(done, number + num_queries)

        neighbours = nearest_neighbours(
            self.features,
            min(self.k1 + 1, number),
            self.chunk_size,
            self.backend,
            lambda share: report(round(share * number)),
            self._see_tile,
        )
        encodings = encode(self.features, neighbours, self.k1, self.k2)
        by_column = encodings[num_queries:].tocsc()
        weight = (self.lambda_value / neighbours.scale).astype(np.float32)[:, None]
        for start in range(0, num_queries, self.chunk_size):
            stop = min(start + self.chunk_size, num_queries)
            block = self._original(start, stop)
            block *= weight[start:stop]
            add_jaccard(block, encodings[start:stop], by_column, 1 - self.lambda_value)
            yield block
            report(number + stop)

    def _see_tile(self, tile: Tensor, row: int, column: int) -> None:
        """Keep what a tile of the all-pairs distances holds of queries and gallery."""
        if self.kept is None or row >= len(self.query):
            return
        left = max(len(self.query) - column, 0)
        part = tile[: len(self.query) - row, left:].cpu().numpy()
        first = column + left - len(self.query)
        self.kept[row : row + part.shape[0], first : first + part.shape[1]] = part

    def _original(self, start: int, stop: int) -> np.ndarray:
        """Squared distances of some queries to the gallery, free to be changed."""
        if self.kept is not None:
            return self.kept[start:stop]
        return (
            squared_distance_to(
                self.query[start:stop], self.gallery, self.gallery_squared_norm, self.backend
            )
            .cpu()
            .numpy()
        )
