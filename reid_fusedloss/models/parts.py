"""Parts of a model from their configs, with errors that say which part is wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ..registry import MODELS


def build_part(name: str, config: Any, **defaults: Any) -> nn.Module:
    """Build a module.

    Args:
        name: of the argument that holds the config.
        config: dict with `type`.
        **defaults: arguments for those that the config leaves out.

    Raises:
        TypeError: if it is no config, or not one of a module.
        ValueError: if its type is unknown.
    """
    if not (isinstance(config, Mapping) and 'type' in config):
        raise TypeError(f'{name} is a dict with `type`, got {config!r}')
    try:
        built = MODELS.build(config, default_args=defaults)
    except KeyError as error:
        raise ValueError(f'{name}: {error}') from error
    if not isinstance(built, nn.Module):
        raise TypeError(f'{name}: {config["type"]} must be a torch.nn.Module, got {built!r}')
    return built


def check_init_cfg(init_cfg: Any) -> None:
    """Raises: TypeError: if it is neither None nor a config, or several, of a start of weights."""
    parts = init_cfg if isinstance(init_cfg, (list, tuple)) else [init_cfg]
    if init_cfg is not None and not all(
        isinstance(part, Mapping) and 'type' in part for part in parts
    ):
        raise TypeError(f'init_cfg is a dict with `type`, a list of them or None, got {init_cfg!r}')


def check_strides(strides: Any) -> Sequence[int]:
    """The strides of the four stages that a ResNet has, as a backbone takes them.

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
            f'strides are four, each 1 or 2 and the first 1, as in (1, 2, 2, 1); got {strides!r}'
        )
    return strides
