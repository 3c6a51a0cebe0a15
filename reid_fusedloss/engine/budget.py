"""Another budget for any config: network, size of the images, epochs, and nothing else."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..scope import configs_dir

KEEP = 'keep'
BACKBONES = 'backbones'
_ABSENT = object()


def read_config(path: str) -> Config:
    """Read a config file; what is wrong with it is said of the file.

    Raises:
        FileNotFoundError: if a file that it names is missing.
        ImportError: if a module of its `custom_imports` is.
        ValueError: if it is no config that can be read.
    """
    try:
        return Config.fromfile(path)
    except ImportError:
        raise
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{path} names a file that does not exist, in _base_ for one: {error}'
        ) from error
    except Exception as error:  # a config is a program
        raise ValueError(
            f'{path} cannot be read as a config ({type(error).__name__}: {error})'
        ) from error


def read_budget(budget: str, budgets_dir: Path | None = None) -> Config:
    """Read a budget: a config of the keys to change.

    Its list `keep` names keys of the changed config that survive, though the budget replaces what
    they stand in: with another backbone the strides, say, which are what a row of an ablation is
    about. Its list `backbones`, where it has one, names the types of backbone that it is for.

    Args:
        budget: name of a config in `budgets_dir`, or path of one elsewhere (.py).
        budgets_dir: folder of the budgets; None: the package's.

    Raises:
        FileNotFoundError: if there is no such budget.
        ValueError: if it cannot be read.
    """
    budgets_dir = budgets_dir or configs_dir() / '_base_' / 'budgets'
    path = Path(budget) if budget.endswith('.py') else budgets_dir / f'{budget}.py'
    if not path.is_file():
        known = sorted(found.stem for found in budgets_dir.glob('*.py'))
        raise FileNotFoundError(
            f'--budget {budget} is unknown: choose one of {known}, or give the '
            'path of a budget (.py)'
        )
    return read_config(str(path))


def apply_budget(cfg: Config, budget: Config) -> None:
    """Merge a budget into a config, in place; single keys of a command line come after it.

    Args:
        cfg: a whole config.
        budget: from `read_budget`; left as it is.

    Raises:
        ValueError: if the budget has a key that the config has not, as a misspelt one, or is not
            for the config's backbone.
    """
    changes = budget.to_dict()
    _check_backbone(cfg, budget.filename, changes.pop(BACKBONES, None))
    kept = {key: _look_up(cfg, key) for key in changes.pop(KEEP, ())}
    unknown = sorted(set(changes) - set(cfg.keys()))
    if unknown:
        raise ValueError(
            f'the budget {budget.filename} has keys that the config has not: '
            f'{unknown}; the config has {sorted(cfg.keys())}'
        )
    cfg.merge_from_dict(changes)
    cfg.merge_from_dict({key: value for key, value in kept.items() if value is not _ABSENT})


def _check_backbone(cfg: Config, budget: str | None, known: list[str] | None) -> None:
    kind = str(_look_up(cfg, 'model.backbone.type'))
    if known is not None and kind.split('.')[-1] not in known:
        raise ValueError(
            f'the budget {budget} makes another network of the backbones {known}; '
            f'{cfg.filename} has {kind}, which is what it is about: make it shorter '
            'by single keys (--cfg-options), or write a budget of your own'
        )


def _look_up(cfg: Any, key: str) -> Any:
    """Value of a key such as 'model.backbone.strides'."""
    value = cfg
    for name in key.split('.'):
        value = value.get(name, _ABSENT) if hasattr(value, 'get') else _ABSENT
    return value
