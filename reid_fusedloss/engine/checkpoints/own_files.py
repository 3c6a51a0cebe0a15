"""Keep only the file names in a checkpoint that concern this run's own folder."""

import re
from pathlib import Path
from typing import Any

from mmengine.fileio import BaseStorageBackend

OUTDATED = 'outdated_ckpts'  # names of files to remove once the new checkpoint exists


def keep_steps(runtime_info: dict[str, Any]) -> None:
    """Keep only whole numbers in the list of kept checkpoints: file names are built from them."""
    steps = runtime_info.get('keep_ckpt_ids')
    if steps is not None:
        steps = steps if isinstance(steps, list) else []
        runtime_info['keep_ckpt_ids'] = [step for step in steps if type(step) is int and step >= 0]


def own_best(path: Any, out_dir: str, backend: BaseStorageBackend) -> str | None:
    """Return the best checkpoint so far as a file of this run; None if it has no such file.

    Args:
        path: the path that a checkpoint states; its folder is ignored.
        out_dir: where this run keeps its checkpoints.
        backend: where `out_dir` is.
    """
    name = Path(path).name if isinstance(path, str) else ''
    if not (name.startswith('best_') and name.endswith('.pth')):
        return None
    own = backend.join_path(out_dir, name)
    return own if backend.isfile(own) else None


def outdated_names(runtime_info: dict[str, Any], filename_tmpl: str) -> list[str]:
    """Return the names of files that a run was about to remove when it was stopped.

    Args:
        runtime_info: from the checkpoint that is resumed.
        filename_tmpl: of the run's checkpoints; names of other files are ignored.
    """
    listed = runtime_info.get(OUTDATED)
    start, _, end = filename_tmpl.partition('{}')
    own = re.compile(rf'best_.*\.pth|{re.escape(start)}\d+{re.escape(end)}')
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    plain = [name for name in names if Path(name).name == name and name.isprintable()]
    return [name for name in plain if own.fullmatch(name)]
