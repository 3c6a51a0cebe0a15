"""Trained networks: facts in configs/zoo/metafile.yml, weights beside this file."""

import functools
import hashlib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from ..loading import load_checkpoint_file
from ..scope import configs_dir

SCHEME = 'reid_fusedloss://'  # load_from='reid_fusedloss://NAME', as MMEngine's 'open-mmlab://'
FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class TrainedModel:
    """A network with its weights.

    Attributes:
        name: such as 'osnet_x0_25_market1501'.
        config: file of its config.
        sha256: of the file of its weights, in hexadecimal digits.
        dataset: what it was trained on, as `--dataset` takes it.
        metrics: R1, mAP, ... in percent, of the weights as they are in the package.
    """

    name: str
    config: Path
    sha256: str
    dataset: str
    metrics: dict[str, float]

    @property
    def path(self) -> Path:
        """Where the weights are."""
        return FOLDER / f'{self.name}.pth'

    def weights(self) -> Path:
        """Return the file of the weights after comparing its checksum.

        Raises:
            FileNotFoundError: if the file is missing.
            ValueError: if it is not the file that was published.
        """
        if not self.path.is_file():
            raise FileNotFoundError(
                f'the weights of {self.name} are missing at {self.path}: install the package again'
            )
        found = hashlib.sha256(self.path.read_bytes()).hexdigest()
        if found != self.sha256:
            raise ValueError(
                f'{self.path} is not the published file (SHA-256 {found[:12]}..., expected '
                f'{self.sha256[:12]}...): install the package again'
            )
        return self.path


@functools.cache
def list_trained() -> dict[str, TrainedModel]:
    """Trained networks of the package by name."""
    root = configs_dir()
    text = (root / 'zoo' / 'metafile.yml').read_text(encoding='utf-8')
    return {entry['Name']: _read(entry, root.parent) for entry in yaml.safe_load(text)['Models']}


def _read(entry: dict[str, Any], root: Path) -> TrainedModel:
    return TrainedModel(
        name=entry['Name'],
        config=root / entry['Config'],
        sha256=entry['Metadata']['SHA-256'],
        dataset=entry['Metadata']['Training Data'],
        metrics=entry['Results'][0]['Metrics'],
    )


def find_trained(name: str) -> TrainedModel | None:
    """Look up a trained network by name, with or without `reid_fusedloss://`; None if unknown."""
    return list_trained().get(name.removeprefix(SCHEME))


def load_from_package(filename: str, map_location: Any = None) -> Any:
    """Load the weights of `reid_fusedloss://NAME`, as MMEngine's `CheckpointLoader` asks for them.

    Raises:
        FileNotFoundError: if there is no network of this name, or its weights are missing.
        ValueError: if the weights are not those that were published.
    """
    model = find_trained(filename)
    if model is None:
        known = list_trained()
        near = get_close_matches(filename.removeprefix(SCHEME), known, n=1)
        hint = f'did you mean {SCHEME}{near[0]}?' if near else f'choose one of {sorted(known)}'
        raise FileNotFoundError(f'no trained network {filename}: {hint}')
    return load_checkpoint_file(model.weights(), map_location)
