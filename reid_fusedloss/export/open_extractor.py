"""Open a trained model or an exported file to extract features."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from ..apis import FeatureExtractor, ReIDInferencer
from ..apis.backend import AUTO, BACKENDS, RUNTIMES, TORCH, version_of
from ..checks import check_choice
from ..logs import log
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
    backend: str = AUTO,
) -> FeatureExtractor:
    """Open an exported file (.onnx) as `OnnxModel`, anything else as `ReIDInferencer`.

    The arguments are those of `ReIDInferencer`; for an exported file only `batch_size`,
    `num_workers`, `progress` and `backend` can be chosen, the rest is fixed in the file, which
    'auto' opens in the first runtime that is installed.

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
            backend=backend,
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
    runtime = _runtime_of_file(source, backend)
    model = OnnxModel(
        source, runtime, batch_size=batch_size, num_workers=num_workers, progress=progress
    )
    log(f'features are computed by {version_of(runtime)} on the CPU')
    return model


def _runtime_of_file(source: PathLike, backend: str) -> str:
    check_choice('backend', backend, BACKENDS)
    if backend == TORCH:
        raise ValueError(
            f'{os.fspath(source)} is an exported model, which PyTorch cannot compute: use '
            f'backend={RUNTIMES[0]!r} or {RUNTIMES[1]!r}'
        )
    if backend != AUTO:
        return backend
    installed = [name for name in RUNTIMES if find_spec(name) is not None]
    return installed[0] if installed else RUNTIMES[0]  # which then says how to install it


def is_exported(source: PathLike) -> bool:
    """Whether a model is an exported file, judged by its name."""
    return os.fspath(source).lower().endswith(SUFFIX)
