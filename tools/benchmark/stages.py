"""The stages of this package that are timed: matrix products, ranking, re-ranking, expansion."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from inputs import Inputs

from reid_fusedloss import functional
from reid_fusedloss.functional.backend import choose_backend
from reid_fusedloss.functional.distance import CHUNK_SIZE
from reid_fusedloss.functional.reranking.query_expansion import alpha_query_expansion

FIGURES = ('mAP', 'R1', 'mINP', 'num_ties')
EXPANSION: dict[str, Any] = dict(k=5, alpha=3.0)
BASE = 2**29  # bytes that a stage may need, independent of its inputs


@dataclass(frozen=True)
class Stage:
    """A function to time.

    Attributes:
        name: for the command line.
        title: for the table.
        prepare: converts the inputs to the argument of `run`, untimed.
        run: the function.
        judge: computes the figures of the result, untimed; they are printed after the table.
        bytes_needed: approximate memory in addition to the inputs.
        reference: name of the stage that it is compared with.
        is_peer: whether it is another project's function.
    """

    name: str
    title: str
    prepare: Callable[[Inputs], Any]
    run: Callable[[Any], Any]
    judge: Callable[[Inputs, Any], dict[str, float]]
    bytes_needed: Callable[[Inputs], int]
    reference: str | None = None
    is_peer: bool = False


@dataclass(frozen=True)
class Options:
    """Options of the package's functions that all stages share."""

    backend: str
    chunk_size: int

    @classmethod
    def choose(cls, backend: str, chunk_size: int | None) -> 'Options':
        """Let the package choose the options that the user left open."""
        return cls(choose_backend(backend, torch.device('cpu')), chunk_size or CHUNK_SIZE)

    def as_dict(self) -> dict[str, Any]:
        return dict(backend=self.backend, chunk_size=self.chunk_size)


def own_stages(options: Options) -> list[Stage]:
    """Make the package's stages, each after what it is compared with."""
    return [*_ranking_stages(options), *_reranking_stages(options)]


def _ranking_stages(options: Options) -> list[Stage]:
    return [
        Stage(
            'gemm',
            'query x gallery GEMM',
            lambda inputs: (inputs.query, inputs.gallery),
            lambda pair: blockwise_product(pair[0], pair[1], options),
            no_figures,
            _small,
        ),
        Stage(
            'rank',
            'ranking from features',
            lambda inputs: inputs,
            lambda inputs: _rank(inputs, options, None),
            lambda _, metrics: pick(metrics),
            _small,
            'gemm',
        ),
        Stage(
            'rank_given',
            'ranking from given distances',
            lambda inputs: (cosine_distances(inputs, options), inputs.labels),
            lambda given: functional.cmc_map(given[0], *given[1]),
            lambda _, metrics: pick(metrics),
            lambda inputs: BASE + 4 * inputs.num_pairs,
        ),
    ]


def _reranking_stages(options: Options) -> list[Stage]:
    chosen = options.as_dict()
    return [
        Stage(
            'gemm_all',
            'all-pairs GEMM',
            _twice_all,
            lambda pair: blockwise_product(pair[0], pair[1], options),
            no_figures,
            _features,
        ),
        Stage(
            'rerank',
            're-ranking, dense result',
            lambda inputs: inputs,
            lambda inputs: functional.k_reciprocal_rerank(inputs.query, inputs.gallery, **chosen),
            figures_of_distances,
            lambda inputs: 4 * inputs.num_pairs + _features(inputs),
            'gemm_all',
        ),
        Stage(
            'rerank_streaming',
            're-ranking, streaming to metrics',
            lambda inputs: inputs,
            lambda inputs: _rank(inputs, options, {}),
            lambda _, metrics: pick(metrics),
            _features,
            'gemm_all',
        ),
        Stage(
            'expansion',
            'alpha query expansion',
            lambda inputs: inputs,
            lambda inputs: expand(inputs, options),
            lambda inputs, pair: pick(functional.evaluate_ranking(*pair, *inputs.labels)),
            lambda inputs: 2 * _features(inputs),
            'gemm_all',
        ),
    ]


def expand(inputs: Inputs, options: Options) -> tuple[torch.Tensor, torch.Tensor]:
    return alpha_query_expansion(inputs.query, inputs.gallery, **EXPANSION, **options.as_dict())


def _rank(inputs: Inputs, options: Options, rerank: dict | None) -> dict[str, float]:
    return functional.evaluate_ranking(
        inputs.query, inputs.gallery, *inputs.labels, rerank=rerank, **options.as_dict()
    )


def blockwise_product(x: np.ndarray, y: np.ndarray, options: Options) -> None:
    """Compute x @ y.T, chunk_size rows at a time, each block overwriting the one before."""
    block = np.empty((options.chunk_size, len(y)), np.float32)
    for start in range(0, len(x), options.chunk_size):
        rows = x[start : start + options.chunk_size]
        if options.backend == 'numpy':
            np.matmul(rows, y.T, out=block[: len(rows)])
        else:
            out = torch.from_numpy(block[: len(rows)])
            torch.mm(torch.from_numpy(rows), torch.from_numpy(y).T, out=out)


def cosine_distances(inputs: Inputs, options: Options) -> np.ndarray:
    """Compute all distances (Q, G), which the ranking computes block by block."""
    distances = np.empty((len(inputs.query), len(inputs.gallery)), np.float32)
    blocks = functional.distance_blocks(inputs.query, inputs.gallery, **options.as_dict())
    start = 0
    for block in blocks:
        distances[start : start + len(block)] = block
        start += len(block)
    return distances


def figures_of_distances(inputs: Inputs, distances: Any) -> dict[str, float]:
    return pick(functional.cmc_map(distances, *inputs.labels))


def pick(metrics: dict[str, float]) -> dict[str, float]:
    return {key: metrics[key] for key in FIGURES}


def difference(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Compute the largest difference of two matrices, and the share of entries over 1e-5."""
    apart = np.abs(ours - theirs)
    return dict(largest_difference=float(apart.max()), share_apart=float((apart > 1e-5).mean()))


def no_figures(inputs: Inputs, result: Any) -> dict[str, float]:
    """Return no figures: a matrix product has none."""
    return {}


def _twice_all(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    features = np.concatenate([inputs.query, inputs.gallery])
    return features, features


def _small(inputs: Inputs) -> int:
    return BASE


def _features(inputs: Inputs) -> int:
    return BASE + 2 * 4 * inputs.num_images * inputs.query.shape[1]
