"""What is timed of this package: the plain matrix products, ranking, re-ranking, expansion."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from inputs import Inputs

from reid_fusedloss import functional
from reid_fusedloss.functional import backend as backends
from reid_fusedloss.functional import distance
from reid_fusedloss.functional.reranking import query_expansion as expansions

FIGURES = ('mAP', 'R1', 'mINP', 'num_ties')
EXPANSION = dict(k=5, alpha=3.0)
BASE = 2**29  # bytes that a stage may need whatever its inputs


@dataclass(frozen=True)
class Stage:
    """A piece of work to time.

    Attributes:
        name: for the command line.
        title: for the table.
        prepare: makes of the inputs what the work starts from, untimed.
        run: the work.
        judge: figures of the work's result, untimed; they are printed beside the table.
        bytes_needed: about how much memory it takes beside the inputs.
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
    def choose(cls, backend: str, chunk_size: int | None, width: int) -> 'Options':
        """Let the package choose what the user left open."""
        arguments = (backend, torch.device('cpu'), width)
        number = len(inspect.signature(backends.choose_backend).parameters)
        return cls(backends.choose_backend(*arguments[:number]), chunk_size or distance.CHUNK_SIZE)

    def as_dict(self) -> dict[str, Any]:
        """As keyword arguments."""
        return dict(backend=self.backend, chunk_size=self.chunk_size)


def own_stages(options: Options) -> list[Stage]:
    """The package's stages, each after what it is compared with."""
    chosen = options.as_dict()

    def rank(inputs: Inputs, rerank: dict | None = None) -> dict[str, float]:
        return functional.evaluate_ranking(
            inputs.query, inputs.gallery, *inputs.labels, rerank=rerank, **chosen
        )

    def expand(inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
        return expansions.alpha_query_expansion(inputs.query, inputs.gallery, **EXPANSION, **chosen)

    def product(pair: tuple[np.ndarray, np.ndarray]) -> None:
        blockwise_product(*pair, options)

    return [
        Stage(
            'gemm',
            'query x gallery GEMM',
            lambda inputs: (inputs.query, inputs.gallery),
            product,
            no_figures,
            _small,
        ),
        Stage(
            'rank',
            'ranking from features',
            lambda inputs: inputs,
            rank,
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
        Stage('gemm_all', 'all-pairs GEMM', _twice_all, product, no_figures, _features),
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
            lambda inputs: rank(inputs, {}),
            lambda _, metrics: pick(metrics),
            _features,
            'gemm_all',
        ),
        Stage(
            'expansion',
            'alpha query expansion',
            lambda inputs: inputs,
            expand,
            lambda inputs, pair: pick(functional.evaluate_ranking(*pair, *inputs.labels)),
            lambda inputs: 2 * _features(inputs),
            'gemm_all',
        ),
    ]


def blockwise_product(x: np.ndarray, y: np.ndarray, options: Options) -> None:
    """x @ y.T, chunk_size rows at a time, each block written over the one before."""
    if options.backend == 'numpy':
        block = np.empty((options.chunk_size, len(y)), np.float32)
        for start in range(0, len(x), options.chunk_size):
            rows = x[start : start + options.chunk_size]
            np.matmul(rows, y.T, out=block[: len(rows)])
        return
    columns, block = torch.from_numpy(y).T, torch.empty(options.chunk_size, len(y))
    for rows in torch.from_numpy(x).split(options.chunk_size):
        torch.mm(rows, columns, out=block[: len(rows)])


def cosine_distances(inputs: Inputs, options: Options) -> np.ndarray:
    """All distances (Q, G) that the ranking would compute block by block."""
    distances = np.empty((len(inputs.query), len(inputs.gallery)), np.float32)
    blocks = functional.distance_blocks(inputs.query, inputs.gallery, **options.as_dict())
    start = 0
    for block in blocks:
        distances[start : start + len(block)] = block
        start += len(block)
    return distances


def figures_of_distances(inputs: Inputs, distances: Any) -> dict[str, float]:
    """The figures of a (Q, G) matrix."""
    return pick(functional.cmc_map(distances, *inputs.labels))


def pick(metrics: dict[str, float]) -> dict[str, float]:
    """The figures that are printed."""
    return {key: metrics[key] for key in FIGURES}


def difference(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Largest difference of two matrices, and the share of entries more than 1e-5 apart."""
    apart = np.abs(ours - theirs)
    return dict(largest_difference=float(apart.max()), share_apart=float((apart > 1e-5).mean()))


def no_figures(inputs: Inputs, result: Any) -> dict[str, float]:
    """A plain product says nothing of quality."""
    return {}


def _twice_all(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    features = np.concatenate([inputs.query, inputs.gallery])
    return features, features


def _small(inputs: Inputs) -> int:
    return BASE


def _features(inputs: Inputs) -> int:
    return BASE + 2 * 4 * inputs.num_images * inputs.query.shape[1]
