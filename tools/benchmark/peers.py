"""Ranking, re-ranking and query expansion of other projects, from a checkout of theirs.

Their functions are imported by the location of their file, without the package around it. Nothing
of theirs is changed, and nothing is copied but rank_cy.pyx, into a temporary folder to compile it.
"""

import importlib.util
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from inputs import Inputs
from stages import (
    EXPANSION,
    Options,
    Stage,
    cosine_distances,
    difference,
    figures_of_distances,
    pick,
)

from reid_fusedloss import functional
from reid_fusedloss.functional.reranking.query_expansion import alpha_query_expansion

FILES = {
    'torchreid': dict(
        rank='torchreid/metrics/rank.py',
        rerank='torchreid/utils/rerank.py',
        cython='torchreid/metrics/rank_cylib',
    ),
    'fastreid': dict(
        rank='fastreid/evaluation/rank.py',
        rerank='fastreid/evaluation/rerank.py',
        cython='fastreid/evaluation/rank_cylib',
        expansion='fastreid/evaluation/query_expansion.py',
    ),
}
BYTES_A_PAIR = {'torchreid': 29, 'fastreid': 13}  # that ranking takes, distances included
ERRORS = 'errors.txt'
COMPILE = (
    'import sys, numpy; from setuptools import Extension, setup; '
    'from Cython.Build import cythonize; '
    'setup(script_args=["-q", "build_ext", "--inplace"], ext_modules=cythonize('
    'Extension("rank_cy", ["rank_cy.pyx"], include_dirs=[numpy.get_include()])))'
)


@dataclass(frozen=True)
class Peer:
    """A checkout of torchreid or FastReID.

    Attributes:
        name: 'torchreid' or 'fastreid'.
        path: the checkout.
    """

    name: str
    path: Path

    @classmethod
    def find(cls, path: Path) -> 'Peer':
        """Recognise a checkout by its folders.

        Raises:
            ValueError: if it is neither project's.
        """
        for name in FILES:
            if (path / name).is_dir():
                return cls(name, path)
        raise ValueError(
            f'--peer {path} holds no folder torchreid or fastreid: give the root of a '
            'checkout of KaiyangZhou/deep-person-reid or JDAI-CV/fast-reid'
        )

    def module(self, key: str) -> ModuleType:
        """One of its files as a module of its own."""
        return _import(f'{self.name}_{key}', self.path / FILES[self.name][key])

    def compiled(self, folder: Path) -> ModuleType:
        """Its Cython ranking, from the checkout or from where `compile` put it.

        Raises:
            ImportError: if it is in neither.
        """
        own, built = self.path / FILES[self.name]['cython'], folder / self.name
        libraries = [*_libraries(own), *_libraries(built)]
        if libraries:
            return _import('rank_cy', libraries[0])
        if (built / ERRORS).is_file():
            raise ImportError((built / ERRORS).read_text().strip().splitlines()[-1])
        raise ImportError(
            f'{own / "rank_cy.pyx"} is not compiled: pip install cython setuptools, '
            f'and this script does it, or: cd {own} && '
            f'{sys.executable} setup.py build_ext --inplace'
        )

    def compile(self, folder: Path) -> None:
        """Compile its Cython ranking in a folder of ours, unless it is or Cython is missing."""
        source, place = self.path / FILES[self.name]['cython'], folder / self.name
        if _libraries(source) or importlib.util.find_spec('Cython') is None:
            return
        place.mkdir()
        shutil.copy(source / 'rank_cy.pyx', place)
        done = subprocess.run(
            [sys.executable, '-c', COMPILE], cwd=place, capture_output=True, text=True
        )
        if done.returncode:
            (place / ERRORS).write_text(done.stderr or f'exit status {done.returncode}')


def find_peers(paths: Sequence[Path]) -> list[Peer]:
    """The checkouts at the paths.

    Raises:
        ValueError: if one is neither project's, or two are of the same.
    """
    peers = [Peer.find(path) for path in paths]
    names = [peer.name for peer in peers]
    if len(set(names)) < len(names):
        raise ValueError(f'--peer is given one checkout of each project, got {names}')
    return peers


def peer_stages(peer: Peer, options: Options, folder: Path) -> list[Stage]:
    """Each function of a peer that this package has too.

    Args:
        peer: the checkout.
        options: of the distances that the peer is given.
        folder: where its Cython was compiled to.
    """

    def distances(inputs: Inputs) -> tuple:
        return cosine_distances(inputs, options), *inputs.labels, 50, False

    def stage(
        key: str,
        title: str,
        load: Callable[[], Callable],
        arguments: Callable[[Inputs], tuple],
        judge: Callable,
        bytes_needed: Callable,
        reference: str,
    ) -> Stage:
        return Stage(
            f'{peer.name}.{key}',
            f'{peer.name} {title}',
            lambda inputs: (load(), arguments(inputs)),
            lambda work: work[0](*work[1]),
            judge,
            bytes_needed,
            reference,
            is_peer=True,
        )

    def of_pairs(inputs: Inputs) -> int:
        return BYTES_A_PAIR[peer.name] * inputs.num_pairs

    stages = [
        stage(
            'rank_python',
            'ranking (Python)',
            lambda: peer.module('rank').evaluate_rank,
            lambda inputs: (*distances(inputs), False),
            _figures_of_ranking,
            of_pairs,
            'rank_given',
        ),
        stage(
            'rank_cython',
            'ranking (Cython)',
            lambda: peer.compiled(folder).evaluate_cy,
            distances,
            _figures_of_ranking,
            of_pairs,
            'rank_given',
        ),
        stage(
            'rerank',
            're-ranking',
            lambda: peer.module('rerank').re_ranking,
            euclidean_distances,
            partial(_figures_of_reranking, options),
            lambda inputs: 24 * inputs.num_images**2,
            'rerank',
        ),
    ]
    if 'expansion' in FILES[peer.name]:
        stages.append(
            stage(
                'expansion',
                'query expansion',
                lambda: peer.module('expansion').aqe,
                lambda inputs: (*_normalised(inputs), 1, EXPANSION['k'], EXPANSION['alpha']),
                partial(_figures_of_expansion, options),
                lambda inputs: 8 * inputs.num_images**2,
                'expansion',
            )
        )
    return stages


def euclidean_distances(inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the normalised features: query x gallery, query x query, gallery x gallery."""

    def distances(x: torch.Tensor, y: torch.Tensor) -> np.ndarray:
        return (x @ y.T).mul_(-2).add_(2).clamp_(min=0).sqrt_().numpy()

    query, gallery = _normalised(inputs)
    return distances(query, gallery), distances(query, query), distances(gallery, gallery)


def _normalised(inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(
        torch.nn.functional.normalize(torch.from_numpy(features))
        for features in (inputs.query, inputs.gallery)
    )


def _figures_of_ranking(inputs: Inputs, result: tuple) -> dict[str, float]:
    """torchreid returns the CMC and mAP; FastReID the CMC, all AP and all INP."""
    cmc, average_precision, *inverse_penalty = result
    figures = dict(mAP=100 * float(np.mean(average_precision)), R1=100 * float(cmc[0]))
    return (
        dict(figures, mINP=100 * float(np.mean(inverse_penalty[0]))) if inverse_penalty else figures
    )


def _figures_of_reranking(options: Options, inputs: Inputs, result: np.ndarray) -> dict[str, float]:
    ours = functional.k_reciprocal_rerank(inputs.query, inputs.gallery, **options.as_dict())
    return dict(figures_of_distances(inputs, result), **difference(result, ours.numpy()))


def _figures_of_expansion(options: Options, inputs: Inputs, result: tuple) -> dict[str, float]:
    ours = alpha_query_expansion(inputs.query, inputs.gallery, **EXPANSION, **options.as_dict())
    theirs = [torch.nn.functional.normalize(features) for features in result]
    parts = [difference(a.numpy(), b.numpy()) for a, b in zip(theirs, ours)]
    return dict(
        pick(functional.evaluate_ranking(*theirs, *inputs.labels)),
        **max(parts, key=lambda part: part['largest_difference']),
    )


def _libraries(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob('rank_cy.*')) if file.suffix in ('.so', '.pyd')]


def _import(name: str, path: Path) -> ModuleType:
    """A file as a module of its own, without the package that it lies in."""
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that Cython is missing, since the package is
        specification.loader.exec_module(module)
    return module
