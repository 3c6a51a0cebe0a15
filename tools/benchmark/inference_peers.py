"""Other projects beside this package, from files to features: each in a process of its own."""

import argparse
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from eval_speed import log
from inference_ways import Network
from peer_driver import PEERS
from rounds import Elapsed

from reid_fusedloss.printable import markdown_table

DRIVER = Path(__file__).resolve().with_name('peer_driver.py')
TITLES = dict(
    torchreid='torchreid, PyTorch',
    fastreid='FastReID, PyTorch',
    boxmot='BoxMOT, ONNX Runtime',
    reid='roboflow reid, PyTorch',
)
CONFIG = 'published/torchreid_osnet_x0_25.py'


@dataclass(frozen=True)
class Place:
    """Where another project is.

    Attributes:
        name: of `PEERS`.
        python: an interpreter that has what the project needs.
        checkout: root of its source; None: installed for that interpreter.
    """

    name: str
    python: str
    checkout: Path | None

    @classmethod
    def parse(cls, text: str) -> 'Place':
        """Read NAME=PYTHON[,CHECKOUT] from the command line."""
        name, _, place = text.partition('=')
        python, _, checkout = place.partition(',')
        if name not in PEERS or shutil.which(python) is None:
            raise argparse.ArgumentTypeError(
                f'must be NAME=PYTHON[,CHECKOUT], NAME one of {", ".join(PEERS)}, PYTHON an '
                f'interpreter, got {text!r}'
            )
        if checkout and not Path(checkout).is_dir():
            raise argparse.ArgumentTypeError(f'there is no checkout {checkout}, got {text!r}')
        return cls(name, python, Path(checkout).resolve() if checkout else None)


class PeerProcess:
    """Another project that runs over the same files whenever it is told to.

    Args:
        place: where the project is.
        weights: torchreid's file of OSNet x0.25.
        paths: the files.
        folder: for what the two processes exchange; exists.

    Raises:
        ValueError: if the project does not start.
    """

    def __init__(self, place: Place, weights: Path, paths: Sequence[str], folder: Path) -> None:
        self.place, self.folder = place, folder
        (folder / 'paths.json').write_text(json.dumps([os.path.abspath(path) for path in paths]))
        command = [place.python, str(DRIVER), place.name, os.path.abspath(weights), str(folder)]
        with open(folder / 'log.txt', 'w') as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | {'PYTHONPATH': str(place.checkout or '')},
            )
        self.versions = self._answer()

    def __enter__(self) -> 'PeerProcess':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def run(self, clock: str) -> Elapsed:
        """Extract the features of all files, and return that process's seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write('run\n')
        self._process.stdin.flush()
        return Elapsed(json.loads(self._answer())[clock])

    @property
    def features(self) -> np.ndarray:
        """The features of the latest run."""
        return np.load(self.folder / 'features.npy')

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            self._process.communicate()
            reason = (self.folder / 'log.txt').read_text().strip().splitlines() or ['no message']
            raise ValueError(f'--peer {self.place.name} by {self.place.python}: {reason[-1]}')
        return line


@contextmanager
def start_peers(
    places: Sequence[Place], weights: Path, paths: Sequence[str], folder: Path
) -> Iterator[dict[str, PeerProcess]]:
    """Start the projects, and end them with the context.

    Args:
        places: one of each project.
        weights: torchreid's file of OSNet x0.25.
        paths: the images.
        folder: for temporary files.

    Yields:
        title -> process, ready to run.

    Raises:
        ValueError: if there are no places, two of one project, or a project does not start.
    """
    names = [place.name for place in places]
    if not names or len(set(names)) < len(names):
        raise ValueError(f'peers needs --peer, once for each project, got {names}')
    with ExitStack() as stack:
        peers = {}
        for place in places:
            log(f'opening {TITLES[place.name]}')
            scratch = folder / place.name
            scratch.mkdir()
            process = PeerProcess(place, weights, paths, scratch)
            peers[TITLES[place.name]] = stack.enter_context(process)
        yield peers


def published(weights: Path) -> Network:
    """Return torchreid's network with its weights, which all projects have."""
    return Network("OSNet x0.25, torchreid's weights", config=CONFIG, weights=weights)


def agreement(features: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Compare features of unit length with the first ones.

    Args:
        features: name -> [N, D].

    Returns:
        name -> largest difference of a component, and smallest and mean cosine of an image.
    """
    expected = next(iter(features.values()))
    found: dict[str, dict[str, float]] = {}
    for name, own in features.items():
        cosines = (own.astype(float) * expected).sum(1)
        found[name] = dict(
            difference=float(np.abs(own - expected).max()),
            smallest_cosine=float(cosines.min()),
            mean_cosine=float(cosines.mean()),
        )
    return found


def agreement_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Write how far the features are from the first ones."""
    head = ('computed by', 'largest difference', 'smallest cosine', 'mean cosine')
    rows = [
        (
            name,
            f'{row["difference"]:.1e}',
            f'{row["smallest_cosine"]:.6f}',
            f'{row["mean_cosine"]:.6f}',
        )
        for name, row in found.items()
    ]
    return markdown_table([head, *rows[1:]])
