"""Mends for the stack of today, each with the release that makes it unnecessary.

Everything here is harmless where the fault does not exist (newer or forked MMEngine).
"""
import os
import pickle
import re
import warnings
from collections.abc import Callable
from importlib import metadata
from typing import Any, Optional
from urllib.parse import urlparse

import torch
from mmengine.config import config
from mmengine.runner import checkpoint
from torch import nn

from .loading.old_torch import check_torch

_MMCV_REMEDY = ("install exactly one of them: pip uninstall -y mmcv mmcv-lite && "
                "pip install 'mmcv-lite>=2.2.0,<2.4.0'")
_trusted = False


def check_mmcv() -> None:
    """One clear line for a missing or doubled mmcv.

    mmcv and mmcv-lite share one folder, so removing one of two destroys the other. Unnecessary
    once PyPI refuses the pair.

    Raises:
        ImportError: if neither or both are installed.
    """
    names = {dist.metadata['Name'] for dist in metadata.distributions(name='mmcv')}
    names |= {dist.metadata['Name'] for dist in metadata.distributions(name='mmcv-lite')}
    if len(names) == 2:
        raise ImportError(f'both mmcv and mmcv-lite are installed; {_MMCV_REMEDY}')
    try:
        import mmcv  # noqa: F401
    except ImportError as error:
        raise ImportError(f'mmcv cannot be imported ({error}); {_MMCV_REMEDY}') from error


def trust_checkpoints(trust: bool = True) -> None:
    """Let checkpoints run code while they load (`weights_only=False`): for files you made or trust.

    A pickle can do anything that you can do. Plain weights and the checkpoints of this package
    never need it.
    """
    global _trusted
    _trusted = trust


def load_checkpoint_file(filename: str, map_location: Any = None, mmap: bool = False) -> Any:
    """Load a local checkpoint without running code from it.

    MMEngine 0.10.7 calls `torch.load` without `weights_only`; since PyTorch 2.6 that fails on its
    own checkpoints, and before it runs whatever the pickle says. Unnecessary once MMEngine passes
    `weights_only=True` and saves plain data. A whole module, which only a trusted file can hold,
    comes as `dict(state_dict=...)`.

    Args:
        filename: path of the file.
        map_location: as in `torch.load`.
        mmap: leave the tensors on the disk until they are read.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a checkpoint, holds more than plain data and
            `trust_checkpoints` was not called, or a module whose code is not here; if PyTorch is
            too old to load a file that is not trusted, see `check_torch`.
    """
    filename = os.path.expanduser(filename)
    if not os.path.isfile(filename):
        raise FileNotFoundError(f'no checkpoint at {filename}: check the path')
    if not _trusted:
        check_torch(filename)
    try:
        loaded = torch.load(filename, map_location=map_location, weights_only=not _trusted,
                            mmap=mmap)
        return dict(state_dict=loaded.state_dict()) if isinstance(loaded, nn.Module) else loaded
    except pickle.UnpicklingError as error:
        if _trusted:  # to trust it is no help then
            raise ValueError(f'{filename} is not a readable checkpoint ({error}): it may be cut '
                             'off; take the one before it') from error
        found = re.search(r'Unsupported (?:global|class|operand)[^.]*?([\w.]+) was', str(error))
        reason = found[1] if found else str(error).split('.')[0]
        raise ValueError(
            f'{filename} is damaged or holds more than weights and plain data ({reason}). If you '
            'made it or trust its source, pass --trust-checkpoint (or call '
            'reid_fusedloss.trust_checkpoints()): loading can then run code from the file.'
        ) from error
    except (AttributeError, ImportError) as error:  # trusted, and a module of another project
        raise ValueError(f'{filename} holds a whole module, whose code is not here ({error}): put '
                         'the project that wrote it on PYTHONPATH') from error
    except (RuntimeError, EOFError, OSError) as error:
        raise ValueError(f'{filename} is not a readable checkpoint ({error}): it may be cut off; '
                         'take the one before it') from error


def load_checkpoint_url(url: str, model_dir: Optional[str] = None, map_location: Any = None,
                        progress: bool = True) -> Any:
    """Download a checkpoint into PyTorch's cache, once, and load it as a local file.

    Takes the place of the function that MMEngine 0.10.7 loads http(s)://, torchvision:// and
    OpenMMLab's checkpoints with, for the same reason as `load_checkpoint_file`.

    Args:
        url: address of the file.
        model_dir: folder to download into; None: the cache of `torch.hub`.
        map_location: as in `torch.load`.
        progress: show a bar while it downloads.
    """
    folder = model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints')
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, os.path.basename(urlparse(url).path))
    if not os.path.exists(path):
        torch.hub.download_url_to_file(url, path, progress=progress)
    return load_checkpoint_file(path, map_location)


def format_once(format_code: Callable) -> Callable:
    """A formatter of code that remembers its last results.

    MMEngine 0.10.7 formats the whole config anew for each checkpoint that it saves, about a second
    for configs of ours. Unnecessary once MMEngine keeps the text.
    """
    known: dict[tuple[str, str], Any] = {}

    def remembered(code: str, **options: Any) -> Any:
        key = (code, repr(options))
        if key not in known:
            if len(known) >= 16:
                known.clear()
            known[key] = format_code(code, **options)
        return known[key]

    return remembered


def apply() -> None:
    """Install the mends; called once when the package is imported."""
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
    check_mmcv()
    checkpoint.CheckpointLoader.register_scheme(
        prefixes='', loader=load_checkpoint_file, force=True)
    checkpoint.load_url = load_checkpoint_url
    config.FormatCode = format_once(config.FormatCode)
