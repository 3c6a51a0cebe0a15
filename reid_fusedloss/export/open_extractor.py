"""Open a trained model or an exported file to extract features."""

import os
from collections.abc import Mapping
from typing import Any

from ..apis import FeatureExtractor, ReIDInferencer
from ..whole_file import PathLike
from .onnx_model import OnnxModel

SUFFIX = '.onnx'


def open_extractor(
    source: PathLike,
    checkpoint: PathLike | None = None,
    device: str | None = None,
    *,
    batch_size: int = 64,
    num_workers: int = 0,
    progress: bool = True,
    normalize: bool = True,
    flip: bool = False,
    amp: bool = False,
    options: Mapping[str, Any] | None = None,
) -> FeatureExtractor:
    """Open an exported file (.onnx) as `OnnxModel`, anything else as `ReIDInferencer`.

    The arguments are those of `ReIDInferencer`; for an exported file only `batch_size`,
    `num_workers` and `progress` can be chosen, the rest is fixed in the file.

    Raises:
        ImportError: if a package is missing, with the command that installs it.
        FileNotFoundError, TypeError, ValueError: see the two classes; also if an argument does not
            apply to an exported file.
    """
    if not is_exported(source):
        return ReIDInferencer(
            source,
            checkpoint,
            device,
            batch_size=batch_size,
            num_workers=num_workers,
            progress=progress,
            normalize=normalize,
            flip=flip,
            amp=amp,
            options=options,
        )
    given = dict(
        checkpoint=checkpoint,
        device=device,
        normalize=not normalize,
        flip=flip,
        amp=amp,
        options=options,
    )
    wrong = [name for name, value in given.items() if value]
    if wrong:
        raise ValueError(
            f'{os.fspath(source)} is an exported model, to which {wrong} do not apply: leave them '
            'out, or export the model again with other options'
        )
    return OnnxModel(source, batch_size=batch_size, num_workers=num_workers, progress=progress)


def is_exported(source: PathLike) -> bool:
    """Whether a model is an exported file, judged by its name."""
    return os.fspath(source).lower().endswith(SUFFIX)
