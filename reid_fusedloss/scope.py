"""Find the configs of this package, and let MMEngine find them by scope."""

import functools
import os
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from mmengine.config import config
from mmengine.config.utils import MODULE2PACKAGE

PACKAGE = Path(__file__).resolve().parent
FUNCTIONS = ('collate_fn', 'worker_init_fn')  # keys of a data loader that hold functions
BASE_DIR = '_base_'  # folder of what several configs inherit
MIM = '.mim'  # folder in which MMEngine looks for a package's configs, tools and model index


def add() -> None:
    """Let MMEngine resolve `reid_fusedloss::...` in `_base_` and `mmengine.hub.get_config`.

    MMEngine has a fixed list of packages; a plugin has to add itself.
    """
    MODULE2PACKAGE.setdefault(PACKAGE.name, PACKAGE.name)
    answer_for_us(config)
    convert = config.Config._dict_to_config_dict
    if not hasattr(convert, '__wrapped__'):
        config.Config._dict_to_config_dict = staticmethod(_without_scope_of_functions(convert))


def answer_for_us(module: ModuleType) -> None:
    """Tell a module of MMEngine where this package is installed.

    MMEngine uses `pkg_resources`, which looks in the wrong folder for an editable installation.
    setuptools 82 has removed it; without it other packages are located by their import path.
    """
    for name, answer in dict(
        is_installed=True, get_installed_path=str(PACKAGE), install_package=None
    ).items():
        ask = getattr(module, name, None)
        if ask is not None and not hasattr(ask, '__wrapped__'):
            setattr(module, name, _answering(ask, answer))


def _answering(ask: Callable[..., Any], answer: Any) -> Callable[..., Any]:

    @functools.wraps(ask)
    def answered(package: str) -> Any:
        if package == PACKAGE.name:
            return answer
        try:
            return ask(package)
        except ModuleNotFoundError as error:
            if error.name != 'pkg_resources':
                raise
            return _look_up(package, ask.__name__)

    return answered


def _look_up(package: str, question: str) -> Any:
    """Answer MMEngine's `is_installed` or `get_installed_path` without setuptools."""
    modules = {name: module for module, name in MODULE2PACKAGE.items()}
    spec = find_spec(modules.get(package, package))
    found = None if spec is None or spec.origin is None else str(Path(spec.origin).parent)
    return found is not None if question == 'is_installed' else found


def _without_scope_of_functions(convert: Callable[..., Any]) -> Callable[..., Any]:
    """Remove the scope from configs of functions, which would receive it as an argument."""

    @functools.wraps(convert)
    def converted(cfg: Any, scope: str | None = None, has_scope: bool = True) -> Any:
        done = convert(cfg, scope, has_scope)
        for key in FUNCTIONS if scope == PACKAGE.name and isinstance(done, dict) else ():
            if isinstance(done.get(key), dict):
                done[key].pop('_scope_', None)
        return done

    return converted


def find_root() -> Path:
    """Find the folder of `configs`, `tools` and `model-index.yml`: the installed package or clone.

    Raises:
        FileNotFoundError: if the package was installed without them.
    """
    for root in (PACKAGE / MIM, PACKAGE.parent):
        if (root / 'configs' / BASE_DIR).is_dir():
            return root
    raise FileNotFoundError(
        f'{PACKAGE} was installed without its configs: install the wheel or '
        'the source distribution again, or work in a clone'
    )


def configs_dir() -> Path:
    """Return the folder of the configs."""
    return find_root() / 'configs'


def datasets_dir() -> Path:
    """Return the folder of the data set configs."""
    return configs_dir() / BASE_DIR / 'datasets'


def list_configs() -> dict[str, Path]:
    """List the configs to train or test: name, such as 'paper/fusedloss_r50' -> file."""
    root = configs_dir()
    return {
        path.relative_to(root).with_suffix('').as_posix(): path
        for path in sorted(root.rglob('*.py'))
        if BASE_DIR not in path.parts
    }


def find_config(name: str) -> Path:
    """Find the file of a config by its path or name.

    Args:
        name: path of a file, or name of a config of the package: its file name, with as many
            parent folders as make it unique, such as `fusedloss_r50` or `table4/1_circle`.

    Raises:
        FileNotFoundError: if there is no such file or config.
        ValueError: if several configs have this name.
    """
    if Path(name).is_file() or Path(name).is_dir():
        return Path(name)
    wanted = tuple(Path(name.partition('::')[2] or name).with_suffix('').parts)
    if name.endswith('.py') and '::' not in name and not Path(name).parent.name:
        wanted = ()  # a bare file name means a file of the user
    known = list_configs()
    found = {
        key: path
        for key, path in known.items()
        if wanted and tuple(key.split('/'))[-len(wanted) :] == wanted
    }
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise ValueError(f'{name} is the name of several configs: choose one of {sorted(found)}')
    near = get_close_matches('/'.join(wanted), known, n=3, cutoff=0.6) or get_close_matches(
        Path(name).stem, [key.split('/')[-1] for key in known], n=3, cutoff=0.6
    )
    hint = f', such as {", ".join(near)}' if near else ''
    raise FileNotFoundError(
        f'no config at {name}: check the path, or take a name that '
        f'`reid-fusedloss configs` lists{hint}'
    )


def ancestors(path: Path) -> Iterator[Path]:
    """Yield a config and the configs that it inherits, nearest first, except those of `_base_`.

    Configs of other packages (`mmpretrain::...`) are left out, and names with variables in them.
    """
    found = [path]
    for path in found:
        yield path
        bases = [base for base in _bases(path) if BASE_DIR not in base.parts]
        found += [base for base in bases if base.is_file() and base not in found]


def _bases(path: Path) -> Iterator[Path]:
    """Yield the files that a config names in `_base_`."""
    for base in config.Config._get_base_files(str(path)):
        package, is_scoped, name = base.rpartition('::')
        if not is_scoped:
            yield Path(os.path.normpath(path.parent / base))
        elif package == PACKAGE.name:
            yield configs_dir() / name
