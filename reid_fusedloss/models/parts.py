"""Build parts of a model from configs, with errors that name the part."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ..registry import MODELS

InitConfig = dict[str, Any] | list[dict[str, Any]] | None  # MMEngine's `init_cfg`


def build_part(name: str, config: Any, **defaults: Any) -> nn.Module:
    """Build a module.

    Args:
        name: name of the argument that holds the config.
        config: dict with `type`.
        **defaults: arguments that are used unless the config sets them.

    Raises:
        TypeError: if it is not a config, or its type is not a module.
        ValueError: if its type is unknown.
    """
    if not (isinstance(config, Mapping) and 'type' in config):
        raise TypeError(f'{name} must be a dict with `type`, got {config!r}')
    try:
        built = MODELS.build(config, default_args=defaults)
    except KeyError as error:
        raise ValueError(f'{name}: {error}') from error
    if not isinstance(built, nn.Module):
        raise TypeError(f'{name}: {config["type"]} must be a torch.nn.Module, got {built!r}')
    return built


def check_init_cfg(init_cfg: Any) -> None:
    """Check the form of an `init_cfg`.

    Raises:
        TypeError: if it is not None, a config or a list of configs.
    """
    parts = init_cfg if isinstance(init_cfg, (list, tuple)) else [init_cfg]
    if init_cfg is not None and not all(
        isinstance(part, Mapping) and 'type' in part for part in parts
    ):
        raise TypeError(
            f'init_cfg must be a dict with `type`, a list of them or None, got {init_cfg!r}'
        )


def check_strides(strides: Any) -> Sequence[int]:
    """Check the strides of a ResNet's four stages, as a backbone takes them, and return them.

    Raises:
        ValueError: if there are not four, the first is not 1, or one is neither 1 nor 2.
    """
    if (
        not isinstance(strides, (list, tuple))
        or len(strides) != 4
        or strides[0] != 1
        or not all(type(stride) is int and stride in (1, 2) for stride in strides)
    ):
        raise ValueError(
            'strides must be four integers, each 1 or 2 and the first 1, such as '
            f'(1, 2, 2, 1), got {strides!r}'
        )
    return strides
