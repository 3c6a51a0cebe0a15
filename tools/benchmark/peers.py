"""Ranking, re-ranking and query expansion of other projects, from their checkouts.

Functions are imported by file, without the package around it. The checkouts are not changed; only
rank_cy.pyx is copied, to be compiled in a temporary folder.
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
    expand,
    figures_of_distances,
    pick,
)

from reid_fusedloss import functional

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
BYTES_PER_PAIR = {'torchreid': 29, 'fastreid': 13}  # of ranking, including the distances
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
        return import_file(f'{self.name}_{key}', self.path / FILES[self.name][key])

    def compiled(self, folder: Path) -> ModuleType:
        """Import its Cython ranking, from the checkout or from the folder given to `compile`.

        Raises:
            ImportError: if it is in neither.
        """
        own, built = self.path / FILES[self.name]['cython'], folder / self.name
        libraries = [*_libraries(own), *_libraries(built)]
        if libraries:
            return import_file('rank_cy', libraries[0])
        if (built / ERRORS).is_file():
            raise ImportError((built / ERRORS).read_text().strip().splitlines()[-1])
        raise ImportError(
            f'{own / "rank_cy.pyx"} is not compiled: pip install cython setuptools, so that this '
            f'script compiles it, or: cd {own} && {sys.executable} setup.py build_ext --inplace'
        )

    def compile(self, folder: Path) -> None:
        """Compile its Cython ranking in `folder`, unless it is compiled or Cython is missing."""
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
    """Recognise the checkouts at the paths.

    Raises:
        ValueError: if one is neither project's, or two are of the same project.
    """
    peers = [Peer.find(path) for path in paths]
    names = [peer.name for peer in peers]
    if len(set(names)) < len(names):
        raise ValueError(f'--peer takes one checkout of each project, got {names}')
    return peers


def peer_stages(peer: Peer, options: Options, folder: Path) -> list[Stage]:
    """Make a stage of each function of a peer that this package has too.

    Args:
        peer: the checkout.
        options: of the distances that the peer is given.
        folder: where its Cython part is compiled.
    """

    def distances(inputs: Inputs) -> tuple:
        return cosine_distances(inputs, options), *inputs.labels, 50, False

    ranking = partial(
        _stage,
        peer,
        judge=_figures_of_ranking,
        bytes_needed=lambda inputs: BYTES_PER_PAIR[peer.name] * inputs.num_pairs,
        reference='rank_given',
    )
    stages = [
        ranking(
            'rank_python',
            'ranking (Python)',
            lambda: peer.module('rank').evaluate_rank,
            lambda inputs: (*distances(inputs), False),
        ),
        ranking(
            'rank_cython', 'ranking (Cython)', lambda: peer.compiled(folder).evaluate_cy, distances
        ),
        _stage(
            peer,
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
        stages.append(_expansion_stage(peer, options))
    return stages


def _expansion_stage(peer: Peer, options: Options) -> Stage:
    return _stage(
        peer,
        'expansion',
        'query expansion',
        lambda: peer.module('expansion').aqe,
        lambda inputs: (*_normalised(inputs), 1, EXPANSION['k'], EXPANSION['alpha']),
        partial(_figures_of_expansion, options),
        lambda inputs: 8 * inputs.num_images**2,
        'expansion',
    )


def _stage(
    peer: Peer,
    key: str,
    title: str,
    load: Callable[[], Callable],
    arguments: Callable[[Inputs], tuple],
    judge: Callable,
    bytes_needed: Callable[[Inputs], int],
    reference: str,
) -> Stage:
    """Make a stage of a function that `load` imports when it is prepared."""
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


def euclidean_distances(inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute distances of the normalised features: query x gallery, q x q, gallery x gallery."""

    def distances(x: torch.Tensor, y: torch.Tensor) -> np.ndarray:
        return (x @ y.T).mul_(-2).add_(2).clamp_(min=0).sqrt_().numpy()

    query, gallery = _normalised(inputs)
    return distances(query, gallery), distances(query, query), distances(gallery, gallery)


def _normalised(inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    query, gallery = (
        torch.nn.functional.normalize(torch.from_numpy(features))
        for features in (inputs.query, inputs.gallery)
    )
    return query, gallery


def _figures_of_ranking(inputs: Inputs, result: tuple) -> dict[str, float]:
    """Read the figures: torchreid returns CMC and mAP; FastReID CMC, all AP and all INP."""
    cmc, average_precision, *inverse_penalty = result
    figures = dict(mAP=100 * float(np.mean(average_precision)), R1=100 * float(cmc[0]))
    return (
        dict(figures, mINP=100 * float(np.mean(inverse_penalty[0]))) if inverse_penalty else figures
    )


def _figures_of_reranking(options: Options, inputs: Inputs, result: np.ndarray) -> dict[str, float]:
    ours = functional.k_reciprocal_rerank(inputs.query, inputs.gallery, **options.as_dict())
    return dict(figures_of_distances(inputs, result), **difference(result, ours.numpy()))


def _figures_of_expansion(options: Options, inputs: Inputs, result: tuple) -> dict[str, float]:
    ours = expand(inputs, options)
    theirs = [torch.nn.functional.normalize(features) for features in result]
    parts = [difference(a.numpy(), b.numpy()) for a, b in zip(theirs, ours)]
    return dict(
        pick(functional.evaluate_ranking(*theirs, *inputs.labels)),
        **max(parts, key=lambda part: part['largest_difference']),
    )


def _libraries(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob('rank_cy.*')) if file.suffix in ('.so', '.pyd')]


def import_file(name: str, path: Path) -> ModuleType:
    """Import a file as a module, without the package around it.

    Raises:
        ImportError: if the file is not a Python module.
    """
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise ImportError(f'{path} is not a Python module')
    module = importlib.util.module_from_spec(specification)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # peers warn that their Cython part is missing
        specification.loader.exec_module(module)
    return module
