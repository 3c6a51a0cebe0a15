"""The readers of labels, and their lookup by the name in a config."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ..file_names import ImageFile
from .names import read_folders, read_names, read_paths
from .rows import to_file
from .tables import read_csv, read_json

# A reader gets the folder of the data set (absolute for a user's function), the source of a role as
# the config writes it, and the further keys of `labels`. It gives one record for each image: a dict
# with `img_path`, `pid` and, where there are any, `camid`, `clothes`, `track`; or an `ImageFile`.
ReaderFunction = Callable[..., Iterable[Mapping[str, Any] | ImageFile]]
Reader = Callable[[Path, Any], list[ImageFile]]
Labels = str | Mapping[str, Any] | ReaderFunction
LABELS: Mapping[str, ReaderFunction] = dict(
    name=read_names, path=read_paths, folder=read_folders, csv=read_csv, json=read_json
)


def find_reader(labels: Labels) -> Reader:
    """Find the function that reads the images of a role and their labels.

    Args:
        labels: name of a reader ('folder'), dotted path of a function ('my_module.read_labels'), a
            function, or a dict of one of these as `type` and of its options.

    Raises:
        TypeError: if it is something else, or the function does not take these options.
        ValueError: if the reader or function does not exist.
    """
    kind, options = _parts(labels)
    if callable(kind):
        function, name = kind, getattr(kind, '__qualname__', repr(kind))
    else:
        function, name = LABELS.get(kind) or _imported(kind), kind
    try:
        inspect.signature(function).bind(Path(), None, **options)
    except TypeError as error:
        raise TypeError(
            f'labels {name!r} {inspect.signature(function)} is called with the folder of the data '
            f'set, a source and the options {options}: {error}'
        ) from None
    return partial(_read, function, name, options)


def label_type(labels: Labels) -> str:
    """Return the name of a built-in reader; '' for a function."""
    kind = _parts(labels)[0]
    return kind if isinstance(kind, str) and kind in LABELS else ''


def _parts(labels: Any) -> tuple[Any, dict[str, Any]]:
    """Split into the reader, as it is named, and its options."""
    options = dict(labels) if isinstance(labels, Mapping) else dict(type=labels)
    kind = options.pop('type', None)
    if not callable(kind) and not isinstance(kind, str):
        raise TypeError(
            f'labels must be one of {tuple(LABELS)}, a function or its dotted path, or a dict with '
            f'one of these as `type`, got {labels!r}'
        )
    return kind, options


def _imported(path: str) -> ReaderFunction:
    module, _, name = path.rpartition('.')
    if not module:
        raise ValueError(
            f'labels must be one of {tuple(LABELS)} or the dotted path of a function such as '
            f"'my_module.read_labels', got {path!r}"
        )
    try:
        function = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f'{module}.'.startswith(f'{error.name}.'):
            raise  # the module is there, and something that it needs is not
        raise ValueError(
            f'labels={path!r}: no module {error.name!r} can be imported; is the folder that holds '
            'it in PYTHONPATH?'
        ) from None
    if not callable(function):
        raise ValueError(f'labels={path!r}: {module} has no function {name!r}')
    return function


def _read(
    function: ReaderFunction, name: str, options: Mapping[str, Any], root: Path, source: Any
) -> list[ImageFile]:
    if function not in LABELS.values():
        root = root.absolute()  # so that a path made of it is a path of a record
    files = [
        record
        if isinstance(record, ImageFile)
        else to_file(record, root, f'record {number} of {name}')
        for number, record in enumerate(function(root, source, **options), start=1)
    ]
    if not files:
        raise ValueError(f'labels {name!r} found no image in {source!r} of {root}')
    return files
