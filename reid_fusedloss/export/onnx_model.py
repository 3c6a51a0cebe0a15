"""Extract features with an exported file and the preprocessing stored in it."""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..apis.extractor import FeatureExtractor
from ..checks import check_choice
from ..optional import require
from ..whole_file import PathLike
from .card import ModelCard
from .identity import fingerprint_of
from .runtimes import RUNTIMES


def read_card(path: PathLike) -> ModelCard:
    """Read the card of a file.

    Raises:
        ImportError: if onnx is not installed.
        FileNotFoundError: if there is no such file.
        ValueError: if it is not an ONNX file, or not one of this package.
    """
    onnx = require('onnx', 'an ONNX model')
    if not Path(path).is_file():
        raise FileNotFoundError(f'no ONNX model at {path}: check the path')
    try:
        model = onnx.load(os.fspath(path), load_external_data=False)
    except Exception as error:  # protobuf's errors differ between its releases
        raise ValueError(f'{path} is not an ONNX model, or is corrupt: {error}') from error
    try:
        return ModelCard.from_props({entry.key: entry.value for entry in model.metadata_props})
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


class OnnxModel(FeatureExtractor):
    """Images in, L2-normalised features out, like `ReIDInferencer`, from an exported file.

    The preprocessing (normalisation, channel order, image size) is read from the file.

    Args:
        path: of a file that `export_onnx` wrote.
        runtime: 'onnxruntime', or 'openvino' (on a CPU, in float32).
        providers: onnxruntime's execution providers; None: the CPU.
        batch_size: number of images per batch.
        num_workers: processes that load images; 0: this one.
        progress: show a progress bar.

    Attributes:
        card: of the file.

    Raises:
        ImportError: if a package is missing, with the command that installs it.
        FileNotFoundError, TypeError, ValueError: see `read_card`; if an argument is wrong.
    """

    def __init__(
        self,
        path: PathLike,
        runtime: str = 'onnxruntime',
        *,
        providers: Sequence[str] | None = None,
        batch_size: int = 64,
        num_workers: int = 0,
        progress: bool = True,
    ) -> None:
        check_choice('runtime', runtime, RUNTIMES)
        self.card = read_card(path)
        super().__init__(self.card.pipeline(), batch_size, num_workers, progress)
        self._run = RUNTIMES[runtime](path, providers)
        self._path = path

    def embed(self, samples: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """See `FeatureExtractor`."""
        images = np.stack([sample['inputs'].numpy() for sample in samples])
        features = self._run(self.card.prepare(images)).astype(np.float32)
        length = np.linalg.norm(features, axis=1, keepdims=True)
        return features / np.maximum(length, 1e-12)

    def fingerprint(self) -> dict[str, Any]:
        """See `FeatureExtractor`."""
        return self._fingerprint

    @property
    def distance(self) -> str:
        """See `FeatureExtractor`."""
        return self.card.distance

    @cached_property
    def _fingerprint(self) -> dict[str, Any]:
        return fingerprint_of(self._path, self.card)
