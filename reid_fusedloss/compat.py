"""Mends for the stack of today, each with the release that makes it unnecessary.

Everything here is harmless where the fault does not exist (newer or forked MMEngine).
"""

import warnings
from collections.abc import Callable
from importlib import metadata
from types import ModuleType
from typing import Any

from mmengine import runner
from mmengine.config import config
from mmengine.logging import print_log
from mmengine.runner import checkpoint

from .loading import load_checkpoint_file, load_checkpoint_url
from .zoo import SCHEME, load_from_package

_MMCV_REMEDY = (
    'install exactly one of them: pip uninstall -y mmcv mmcv-lite && '
    "pip install 'mmcv-lite>=2.2.0,<2.4.0'"
)
PARTS = ('mmengine', 'mmcv', 'mmcv-lite', 'mmpretrain')
OTHER = 'onedl-'  # begins the names of the other family, which holds the same modules


def check_families() -> None:
    """One clear line for an environment that holds both MMEngine families.

    They share their folders, so that the files of one lie over those of the other. pip does not
    know it: it installs upstream's beside the other family for whatever asks for `mmengine`.

    Raises:
        ImportError: if parts of both are installed.
    """
    ours = _installed(*PARTS)
    theirs = _installed(*(f'{OTHER}{name}' for name in PARTS))
    if ours and theirs:
        raise ImportError(
            f'{", ".join(sorted(ours))} and {", ".join(sorted(theirs))} are installed, two '
            'families of the same modules; keep one: '
            f'pip uninstall -y {" ".join(sorted(ours | theirs))} && '
            'pip install mmengine mmcv-lite mmpretrain (or onedl-mmengine onedl-mmcv '
            'onedl-mmpretrain), and this package with --no-deps'
        )


def _installed(*names: str) -> set[str]:
    return {dist.metadata['Name'] for name in names for dist in metadata.distributions(name=name)}


def check_mmcv() -> None:
    """One clear line for a missing or doubled mmcv.

    mmcv and mmcv-lite share one folder, so removing one of two destroys the other. Unnecessary
    once PyPI refuses the pair.

    Raises:
        ImportError: if neither or both are installed.
    """
    if len(_installed('mmcv', 'mmcv-lite')) == 2:
        raise ImportError(f'both mmcv and mmcv-lite are installed; {_MMCV_REMEDY}')
    try:
        import mmcv  # noqa: F401
    except ImportError as error:
        raise ImportError(f'mmcv cannot be imported ({error}); {_MMCV_REMEDY}') from error


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Load a local checkpoint for MMEngine, see `load_checkpoint_file`.

    MMEngine 0.10.7 calls `torch.load` without `weights_only`: since PyTorch 2.6 that fails on its
    own checkpoints, and before it runs whatever the pickle says. The other family's loader runs it
    where `weights_only` fails. Unnecessary once MMEngine loads its own checkpoints without code.
    """
    return load_checkpoint_file(filename, map_location)


def load_safely(file: Any, map_location: Any = None, weights_only: bool | None = None) -> Any:
    """Load a file for the other family's loaders, which share one function."""
    return load_checkpoint_file(file, map_location)


def find_latest_checkpoint(path: str) -> str | None:
    """Find the checkpoint that MMEngine resumes when it is told none, see `latest_checkpoint`.

    MMEngine 0.10.7 takes whatever `last_checkpoint` says: a file that is gone or damaged, nothing
    at all, or the file of another folder. Unnecessary once it looks at the file.
    """
    from .engine.checkpoints import latest_checkpoint  # registers parts, after compat

    found = latest_checkpoint(path)
    if found is None:
        print_log(f'{path} has no checkpoint to be resumed', logger='current')
    return found


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
    """Install the mends, each where MMEngine has what it mends; called once, at the import."""
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
    check_families()
    check_mmcv()
    register = checkpoint.CheckpointLoader.register_scheme
    register(prefixes='', loader=load_from_local, force=True)
    register(prefixes=SCHEME, loader=load_from_package, force=True)
    _replace(checkpoint, 'load_url', load_checkpoint_url)
    _replace(checkpoint, '_safe_torch_load', load_safely)
    for module in (checkpoint, runner, runner.runner, runner._flexible_runner):
        _replace(module, 'find_latest_checkpoint', find_latest_checkpoint)
    if hasattr(config, 'FormatCode'):
        config.FormatCode = format_once(config.FormatCode)


def _replace(module: ModuleType, name: str, value: Any) -> None:
    if hasattr(module, name):
        setattr(module, name, value)
