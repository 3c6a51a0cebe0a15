"""Workarounds for bugs in current MMEngine releases; each says when it can be removed.

They change nothing where the bug does not exist (newer or forked MMEngine).
"""

import warnings
from collections.abc import Callable
from importlib import metadata
from types import ModuleType
from typing import Any

from mmengine.config import config

from .loading import load_checkpoint_file, load_checkpoint_url
from .logs import log
from .zoo import SCHEME, load_from_package

_MMCV_REMEDY = (
    'install exactly one of them: pip uninstall -y mmcv mmcv-lite && '
    "pip install 'mmcv-lite>=2.2.0,<2.4.0'"
)
PARTS = ('mmengine', 'mmcv', 'mmcv-lite', 'mmpretrain')
OTHER = 'onedl-'  # prefix of the forked family, whose packages provide the same modules


def check_families() -> None:
    """Refuse an environment that holds both MMEngine families.

    Both install into the same folders and overwrite each other's files. pip does not detect this:
    it installs upstream's packages next to the forked ones for anything that requires `mmengine`.

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
    """Check that exactly one of mmcv and mmcv-lite is installed.

    They share one folder, so removing one of the two breaks the other. Unnecessary once pip
    refuses to install both.

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
    """Load a local checkpoint for MMEngine; see `load_checkpoint_file`.

    MMEngine 0.10.7 calls `torch.load` without `weights_only`: since PyTorch 2.6 that fails on
    MMEngine's own checkpoints, and before 2.6 it runs any code in the pickle. The other family
    falls back to running it. Unnecessary once MMEngine loads its checkpoints without running code.
    """
    return load_checkpoint_file(filename, map_location)


def load_safely(file: Any, map_location: Any = None, weights_only: bool | None = None) -> Any:
    """Load a file for the loaders of the other family, which all call this function."""
    return load_checkpoint_file(file, map_location)


def find_latest_checkpoint(path: str) -> str | None:
    """Find the checkpoint that MMEngine resumes from if none is given; see `latest_checkpoint`.

    MMEngine 0.10.7 trusts the file `last_checkpoint`, which may name a missing or corrupt
    checkpoint, none, or one of another folder. Unnecessary once MMEngine checks the file.
    """
    from .engine.checkpoints import latest_checkpoint  # registers parts, after compat

    found = latest_checkpoint(path)
    if found is None:
        log(f'{path} has no checkpoint to resume from')
    return found


def format_once(format_code: Callable) -> Callable:
    """Cache the latest results of a code formatter.

    MMEngine 0.10.7 formats the whole config again for each checkpoint that it saves, which takes
    about a second for our configs. Unnecessary once MMEngine caches the text.
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
    """Install the workarounds that this MMEngine needs; called when its runner is imported."""
    from mmengine import runner  # not above: this module is imported when that one is
    from mmengine.runner import checkpoint

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
