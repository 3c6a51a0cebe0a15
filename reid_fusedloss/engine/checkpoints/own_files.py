"""Of what a checkpoint says of files, keep what concerns the folder of this run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

OUTDATED = 'outdated_ckpts'  # names of files to be removed once the checkpoint is there


def keep_steps(runtime_info: dict[str, Any]) -> None:
    """Keep only whole numbers in the list of kept checkpoints: names of files are made of them."""
    steps = runtime_info.get('keep_ckpt_ids')
    if steps is not None:
        steps = steps if isinstance(steps, list) else []
        runtime_info['keep_ckpt_ids'] = [step for step in steps if type(step) is int and step >= 0]


def own_best(
    path: Any, out_dir: str, join: Callable[..., str], is_file: Callable[[str], bool]
) -> str | None:
    """The best checkpoint so far as a file of this run; None if this run has none of that name.

    Args:
        path: what a checkpoint says; its folder is not looked at.
        out_dir: where this run keeps its checkpoints.
        join, is_file: of the file backend.
    """
    name = Path(path).name if isinstance(path, str) else ''
    if not (name.startswith('best_') and name.endswith('.pth')):
        return None
    own = join(out_dir, name)
    return own if is_file(own) else None


def outdated_names(runtime_info: dict[str, Any], filename_tmpl: str) -> list[str]:
    """Files that a run was about to remove when it was stopped, by name, in its own folder.

    Args:
        runtime_info: from the checkpoint that is resumed.
        filename_tmpl: of the run's checkpoints; other names than its own are passed over.
    """
    listed = runtime_info.get(OUTDATED)
    start, _, end = filename_tmpl.partition('{}')
    names = (
        [
            name
            for name in listed
            if isinstance(name, str) and Path(name).name == name and name.isprintable()
        ]
        if isinstance(listed, list)
        else []
    )
    return [
        name
        for name in names
        if name.startswith('best_')
        and name.endswith('.pth')
        or (
            name.startswith(start)
            and name.endswith(end)
            and name[len(start) : len(name) - len(end)].isdecimal()
        )
    ]
