"""Load a checkpoint file: plain data and MMEngine's own objects; code only from trusted files."""

import os
import pickle
import re
import warnings
from typing import Any, BinaryIO
from zipfile import BadZipFile

import torch
from torch import nn
from torch.serialization import load as torch_load  # other libraries may patch torch.load

from ..trust import is_trusted, ways_to_trust
from ..whole_file import PathLike
from . import unpickler
from .checksums import damaged_member, holds_a_program, is_zip
from .config_text import without_program

File = PathLike | BinaryIO


def load_checkpoint_file(filename: File, map_location: Any = None, mmap: bool = False) -> Any:
    """Load a checkpoint without running code from it.

    Plain data loads with `weights_only=True`; checkpoints of MMEngine's Runner, and others with
    NumPy values, load by an unpickler that accepts these types only. MMEngine would execute the
    config text in `meta` when it resumes, so the text is reduced to the one value that MMEngine
    reads. The checksums of the file are verified first. A whole module, which only a trusted file
    can hold, is returned as `dict(state_dict=...)`.

    Args:
        filename: path of the file, or a file opened for reading bytes.
        map_location: as in `torch.load`.
        mmap: map the tensors from the disk if the format allows it.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file is corrupt or not a checkpoint, holds other objects and is not
            trusted, or holds a module whose code cannot be imported.
    """
    if not isinstance(filename, (str, os.PathLike)):
        return _load(filename, filename, 'the checkpoint', map_location, False)
    path = os.path.expanduser(os.fspath(filename))
    if not os.path.isfile(path):
        raise FileNotFoundError(f'no checkpoint at {path}: check the path')
    try:
        with open(path, 'rb') as file:
            return _load(path, file, path, map_location, mmap)
    except OSError as error:
        raise _unreadable(path, error) from error


def _load(source: File, file: BinaryIO, name: str, map_location: Any, mmap: bool) -> Any:
    """Load from `source`, which `file` reads too, and turn all errors into one line."""
    trusted = is_trusted()
    try:
        _check(file, trusted)
        options = dict(map_location=map_location, mmap=mmap and is_zip(file))
        if trusted:
            loaded = torch.load(source, weights_only=False, **options)
            return dict(state_dict=loaded.state_dict()) if isinstance(loaded, nn.Module) else loaded
        return without_program(_load_data(source, options))
    except pickle.UnpicklingError as error:
        if trusted:  # trusting the file would not help
            raise _unreadable(name, error) from error
        raise ValueError(
            f'{name} is corrupt or holds more than weights, plain data and the objects of '
            f'MMEngine ({_reason(error)}). If you made it or trust its source, {ways_to_trust()}: '
            'loading can then run code from the file'
        ) from error
    except (AttributeError, ImportError) as error:
        if not trusted:
            raise _unreadable(name, error) from error
        raise ValueError(
            f'{name} holds a whole module, whose code cannot be imported ({error}): add '
            'the project that wrote it to PYTHONPATH'
        ) from error
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:  # untrusted bytes can make the readers fail in any way
        raise _unreadable(name, error) from error


def _check(file: BinaryIO, trusted: bool) -> None:
    damaged = damaged_member(file) if is_zip(file) else None
    if damaged is not None:
        raise BadZipFile(f'the checksum of {damaged} does not match')
    program = None if trusted else holds_a_program(file)
    if program is not None:
        raise pickle.UnpicklingError(f'a program: {program}')


def _load_data(source: File, options: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='Detected pickle protocol')
        try:
            return torch_load(source, weights_only=True, **options)
        except pickle.UnpicklingError:
            if not isinstance(source, (str, os.PathLike)):
                source.seek(0)
            return torch_load(source, weights_only=False, pickle_module=unpickler, **options)


def _reason(error: pickle.UnpicklingError) -> str:
    found = re.search(r'Unsupported (?:global|class|operand)[^.]*?([\w.]+) was', str(error))
    return found[1] if found else str(error).split('\n')[0][:200]


def _unreadable(name: str, error: Exception) -> ValueError:
    reason = str(error).split('\n')[0][:200] or type(error).__name__
    return ValueError(
        f'{name} is not a readable checkpoint ({reason}): it is corrupt or '
        'truncated; use an earlier one'
    )
