"""The choice of --dataset: one data set config, or several joined by '+'.

`market1501+dukemtmc+shop.py` is a `JointReIDDataset` of the three, each under the name of its
config file; see its docstring for what is kept apart.
"""

import copy
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from ..scope import datasets_dir
from .budget import read_config
from .config_values import LOADERS
from .training.changes import changed

DATASET_VARIABLE = 'REID_DATASET'
MOST_FOLDERS = 64  # '..' of the root is the root, so that more than there are do no harm
LOADERS_ALONE = 'reid'  # the config of loaders and pipelines that all data set configs inherit


def read_with_dataset(path: str, dataset: str) -> Config:
    """Read a config with another data set than its own choice.

    Args:
        path: config file.
        dataset: name of a data set config of the package, path of another one (.py), or several of
            them joined by '+'.

    Raises:
        FileNotFoundError: if a data set is unknown.
        ValueError: if a config cannot be read, two joined data sets have one name, or one of them
            changes more than its data.
    """
    names = split_names(dataset)
    base = dataset_name(names[0]) if len(names) == 1 else LOADERS_ALONE
    parts = read_parts(names) if len(names) > 1 else {}
    with _variable(DATASET_VARIABLE, base):
        cfg = read_config(path)
    chooses = DATASET_VARIABLE in cfg.env_variables
    if parts:
        _join(cfg, parts, ('pipeline', 'split') if not chooses else None)
    elif not chooses:
        use_dataset(cfg, dataset)
    return cfg


def use_dataset(cfg: Config, dataset: str) -> None:
    """Put another data set into a config that names its own, as the one that a run leaves.

    The images are brought to size as before: the loaders and their pipelines stay.

    Args:
        cfg: a whole config, changed in place.
        dataset: name of a data set config of the package, or path of another one.
    """
    other = _read(dataset)
    for loader in LOADERS:
        if cfg.get(loader) and other.get(loader):
            own = cfg[loader].dataset
            kept = {key: own[key] for key in ('pipeline', 'split') if key in own}
            cfg[loader].dataset = ConfigDict({**other[loader].dataset, **kept})


def split_names(dataset: str) -> list[str]:
    """The data sets of a choice, in the order given.

    Raises:
        ValueError: if a name is missing, or two are alike: their results would be, too.
    """
    if '+' not in dataset or Path(dataset).is_file():
        return [dataset]
    names = dataset.split('+')
    if not all(names):
        raise ValueError(
            f"--dataset {dataset} joins data sets by '+': write a name on both sides of each"
        )
    twice = [name for name, number in Counter(map(_stem, names)).items() if number > 1]
    if twice:
        raise ValueError(
            f'--dataset {dataset} has two sets called {twice[0]!r}: name each once, and give '
            'configs of different data sets different file names'
        )
    return names


def read_parts(names: list[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Loader -> name -> config of the data set, without what the loaders share.

    Raises:
        FileNotFoundError: if a data set is unknown.
        ValueError: if a data set config changes more than its data: pipelines and batches are those
            of all sets.
    """
    shared = read_config(str(datasets_dir() / f'{LOADERS_ALONE}.py')).to_dict()
    parts: dict[str, dict[str, dict[str, Any]]] = {loader: {} for loader in LOADERS}
    for name in names:
        rest = _without_scope(_read(name).to_dict())
        for loader in LOADERS:
            dataset = (rest.get(loader) or {}).get('dataset') or {}
            keys = [key for key in dataset if key not in shared[loader]['dataset']]
            parts[loader][_stem(name)] = {key: dataset.pop(key) for key in keys}
        changes = changed(shared, rest)
        if changes:
            raise ValueError(
                f'{name} changes {changes[0]}: joined data sets are read and drawn alike; take it '
                'out there, and set it for all in the config or by --cfg-options'
            )
    return parts


def title(choice: str) -> str:
    """Name of a choice without folders and endings, such as 'market1501+shop'."""
    return '+'.join(map(_stem, split_names(choice)))


def suffix(*choices: str | None) -> str:
    """What a work_dir's name says of the choices made by --dataset and --budget."""
    return ''.join(f'_{title(choice)}' for choice in choices if choice)


def dataset_name(dataset: str) -> str:
    """Name as it is put into the path of a data set config, whatever the folder of that path.

    A file elsewhere is named from the root of the file system.

    Raises:
        FileNotFoundError: if there is no such data set config.
    """
    if dataset.endswith('.py'):
        path = Path(dataset).resolve()
        if not path.is_file():
            raise FileNotFoundError(f'no data set config at {dataset}: check the path')
        return '../' * MOST_FOLDERS + path.relative_to(path.anchor).with_suffix('').as_posix()
    known = sorted(path.stem for path in datasets_dir().glob('*.py') if path.stem != LOADERS_ALONE)
    if dataset not in known:
        raise FileNotFoundError(
            f'--dataset {dataset} is unknown: choose one of {known}, give the path of a data set '
            "config (.py), or join several by '+'"
        )
    return dataset


def _join(
    cfg: Config, parts: Mapping[str, Mapping[str, Any]], kept: tuple[str, ...] | None
) -> None:
    """Make the data sets of a config joint ones, in place; `kept` of the own keys, None: all."""
    for loader in LOADERS:
        if not cfg.get(loader):
            continue
        own = cfg[loader].dataset
        cfg[loader].dataset = ConfigDict(
            {
                **{key: own[key] for key in own if kept is None or key in kept},
                'type': 'reid_fusedloss.JointReIDDataset',
                'parts': copy.deepcopy(dict(parts[loader])),
            }
        )


def _without_scope(value: Any) -> Any:
    """Leave out the `_scope_` that MMEngine adds to what is inherited as `package::file`."""
    if isinstance(value, dict):
        return {key: _without_scope(part) for key, part in value.items() if key != '_scope_'}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_without_scope, value))
    return value


def _read(dataset: str) -> Config:
    return read_config(str(datasets_dir() / f'{dataset_name(dataset)}.py'))


def _stem(name: str) -> str:
    return Path(name).stem


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
