"""Apply a budget to a config: another network, image size and number of epochs."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..scope import configs_dir

KEEP = 'keep'
BACKBONES = 'backbones'
_ABSENT = object()


def read_config(path: str) -> Config:
    """Read a config file; every error names the file.

    Raises:
        FileNotFoundError: if a file that it names is missing.
        ImportError: if a module of its `custom_imports` is missing.
        ValueError: if it cannot be read as a config.
    """
    try:
        return Config.fromfile(path)
    except ImportError:
        raise
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{path} names a file that does not exist, for example in _base_: {error}'
        ) from error
    except Exception as error:  # a config is a program
        raise ValueError(
            f'{path} cannot be read as a config ({type(error).__name__}: {error})'
        ) from error


def read_budget(budget: str, budgets_dir: Path | None = None) -> Config:
    """Read a budget: a config of the keys to change.

    Its list `keep` names keys whose values survive although the budget replaces the dict that
    holds them, for example the strides of a backbone, which an ablation row is about. Its optional
    list `backbones` names the backbone types that it is for.

    Args:
        budget: name of a config in `budgets_dir`, or path of a budget elsewhere (.py).
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
            f'--budget must be one of {known} or the path of a budget (.py), got {budget!r}'
        )
    return read_config(str(path))


def apply_budget(cfg: Config, budget: Config) -> None:
    """Merge a budget into a config, in place. Keys of the command line are set after it.

    Args:
        cfg: a complete config.
        budget: from `read_budget`; not changed.

    Raises:
        ValueError: if the budget has a key that the config lacks, such as a misspelt one, or is
            not for the config's backbone.
    """
    changes = budget.to_dict()
    kind, known = str(_look_up(cfg, 'model.backbone.type')), changes.pop(BACKBONES, None)
    if known is not None and kind.split('.')[-1] not in known:
        raise ValueError(
            f'the budget {budget.filename} is for the backbones {known}, but {cfg.filename} has '
            f'{kind}: set single keys with --cfg-options instead, or write a budget for this '
            'backbone'
        )
    kept = {key: _look_up(cfg, key) for key in changes.pop(KEEP, ())}
    unknown = sorted(set(changes) - set(cfg.keys()))
    if unknown:
        raise ValueError(
            f'the budget {budget.filename} has keys that the config lacks: {unknown}; '
            f'the config has {sorted(cfg.keys())}'
        )
    cfg.merge_from_dict(changes)
    cfg.merge_from_dict({key: value for key, value in kept.items() if value is not _ABSENT})


def _look_up(cfg: Any, key: str) -> Any:
    """Return the value of a key such as 'model.backbone.strides', or `_ABSENT`."""
    value = cfg
    for name in key.split('.'):
        value = value.get(name, _ABSENT) if hasattr(value, 'get') else _ABSENT
    return value
