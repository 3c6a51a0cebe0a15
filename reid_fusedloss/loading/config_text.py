"""Defuse the config text in a checkpoint, which MMEngine executes when it resumes."""

import ast
from collections.abc import Mapping
from typing import Any

MOST = 2**16  # limit for the number of GPUs


def without_program(checkpoint: Any) -> Any:
    """Reduce `meta['config']` to the one value that `Runner.resume` reads from it, `gpu_ids`.

    MMEngine 0.10 runs the text as Python (`Config.fromstring`) to find the number of GPUs on which
    a checkpoint of MMCV 1 was trained. Literal numbers are kept, so that MMEngine's warning and its
    scaling of the learning rate still work; all other text is dropped.

    Args:
        checkpoint: content of a checkpoint file; changed in place.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, Mapping) else None
    if isinstance(meta, dict) and 'config' in meta:
        numbers = _gpu_ids(meta.pop('config'))
        if numbers is not None:
            meta['config'] = f'gpu_ids = {numbers!r}'
    return checkpoint


def _gpu_ids(text: Any) -> list[int] | None:
    """Parse the numbers in `gpu_ids = [0, 1]` or `gpu_ids = range(0, 2)`; None if absent."""
    try:
        assigned = [part for part in ast.parse(text).body if isinstance(part, ast.Assign)]
        values = [
            part.value
            for part in assigned
            if any(getattr(target, 'id', None) == 'gpu_ids' for target in part.targets)
        ]
        if not values:
            return None
        value = values[-1]
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            is_range = value.func.id == 'range' and not value.keywords
            bounds = [ast.literal_eval(bound) for bound in value.args]
            numbers = range(*bounds) if is_range else []
        else:
            numbers = ast.literal_eval(value)
        known = 0 < len(numbers) <= MOST and all(type(number) is int for number in numbers)
        return list(numbers) if known else None
    except (TypeError, ValueError, SyntaxError, OverflowError, RecursionError, MemoryError):
        return None
