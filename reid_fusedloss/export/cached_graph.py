"""Graphs of trained models in a cache on the disk, for runtimes other than PyTorch."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..apis.inferencer import ReIDInferencer
from ..datasets.pedestrians import draw_pedestrian
from ..folder_lock import folder_lock
from ..logs import warn
from ..optional import require
from .identity import fingerprint_of
from .onnx_export import export_onnx
from .onnx_model import OnnxModel, read_card

VARIABLE = 'REID_CACHE_DIR'
TOLERANCE = 1e-5  # of features of unit length, in which a runtime may differ from PyTorch
FORM = 1  # of the files; another number makes all graphs again
COMPARED = 4  # drawn pedestrians that are compared whenever a runtime is opened
MOST_GRAPHS = 16
WAIT = 600.0  # seconds for another process that exports


def graph_folder() -> Path:
    """Return the folder of the graphs: `$REID_CACHE_DIR/graphs`, else in the user's cache."""
    chosen = os.environ.get(VARIABLE)
    user = os.environ.get('XDG_CACHE_HOME') or os.path.join('~', '.cache')
    return Path(chosen or os.path.join(user, 'reid_fusedloss')).expanduser() / 'graphs'


def graph_path(inferencer: ReIDInferencer) -> Path:
    """Return where the graph of a model is, whether it exists or not."""
    text = json.dumps([FORM, inferencer.fingerprint()], sort_keys=True)
    return graph_folder() / f'{hashlib.sha256(text.encode()).hexdigest()[:32]}.onnx'


def is_cached(inferencer: ReIDInferencer) -> bool:
    """Whether there is a graph of the model, which may prove to be corrupt."""
    return graph_path(inferencer).is_file()


def open_cached(inferencer: ReIDInferencer, runtime: str) -> OnnxModel:
    """Open the graph of a model in a runtime; the model is exported if there is no sound graph.

    The features of drawn pedestrians are compared with PyTorch's each time.

    Args:
        inferencer: the model; on the CPU, without `flip` and `amp`, with `normalize`.
        runtime: 'onnxruntime' or 'openvino'.

    Raises:
        ImportError: if a package is missing, with the command that installs it.
        OSError: if the folder of the cache cannot be written.
        ValueError: if the model cannot be exported, or its features differ from PyTorch's.
    """
    for module in ('onnx', runtime):
        require(module, f'backend={runtime!r}')
    path = graph_path(inferencer)
    try:
        return _open(path, inferencer, runtime)
    except FileNotFoundError:
        pass
    except ValueError as error:
        warn(f'the model is exported again: {error}')
    try:
        _make(path, inferencer, runtime)
    except OSError as error:
        raise OSError(
            f'the graph of the model cannot be written to {path.parent} ({error}): set '
            f'{VARIABLE} to a writable folder'
        ) from error
    return _open(path, inferencer, runtime)


def _make(path: Path, inferencer: ReIDInferencer, runtime: str) -> None:
    """Export a model to the cache, unless another process does so first."""
    with folder_lock(path.parent, timeout=WAIT):
        with suppress(FileNotFoundError, ValueError):
            _open(path, inferencer, runtime)
            return
        export_onnx(
            inferencer,
            path,
            channel_order='bgr',
            input_type='uint8',
            runtime=runtime,
            tolerance=TOLERANCE,
        )
        _remove_oldest(path.parent)


def _open(path: Path, inferencer: ReIDInferencer, runtime: str) -> OnnxModel:
    """Open a graph.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is corrupt, of another model, or has other features.
    """
    card = read_card(path)
    if fingerprint_of(path, card) != inferencer.fingerprint():
        raise ValueError(f'{path} was changed, or is of another model')
    model = OnnxModel(path, runtime, batch_size=inferencer.batch_size, progress=False)
    images = [draw_pedestrian(pid, pid % 3, 0) for pid in range(COMPARED)]
    expected = inferencer.in_torch()(images).features
    difference = float(np.abs(model(images).features - expected).max())
    if not difference <= TOLERANCE:  # `not <=` also refuses NaN
        raise ValueError(
            f"features by {runtime} differ from PyTorch's by {difference:.1e}, more than "
            f'{TOLERANCE:g}'
        )
    with suppress(OSError):  # a cache that may only be read
        os.utime(path)
    return model


def _remove_oldest(folder: Path) -> None:
    """Keep the graphs that were used last."""
    graphs = sorted(folder.glob('*.onnx'), key=lambda path: path.stat().st_mtime)
    for path in graphs[:-MOST_GRAPHS]:
        with suppress(OSError):  # in use, on Windows
            path.unlink()
