"""The text of a config in a checkpoint, which MMEngine executes when it resumes."""

import ast
from collections.abc import Mapping
from typing import Any

MOST = 2**16  # GPUs of a training


def without_program(checkpoint: Any) -> Any:
    """Reduce `meta['config']` to the one thing that `Runner.resume` reads from it, `gpu_ids`.

    MMEngine 0.10 runs the text as Python (`Config.fromstring`) to learn on how many GPUs a
    checkpoint of its forerunners was trained. Numbers that stand there literally are kept, so that
    its warning and its scaling of the learning rate stay; nothing else of the text is.

    Args:
        checkpoint: what a file holds; changed in place.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, Mapping) else None
    if isinstance(meta, dict) and 'config' in meta:
        numbers = _gpu_ids(meta.pop('config'))
        if numbers is not None:
            meta['config'] = f'gpu_ids = {numbers!r}'
    return checkpoint


def _gpu_ids(text: Any) -> list[int] | None:
    """The numbers in `gpu_ids = [0, 1]` or `gpu_ids = range(0, 2)`; None if there are none."""
    try:
        statements = ast.parse(text).body
        values = [
            statement.value
            for statement in statements
            if isinstance(statement, ast.Assign)
            and any(
                isinstance(target, ast.Name) and target.id == 'gpu_ids'
                for target in statement.targets
            )
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
