"""Check how far a checkpoint fits the model that loads it."""

from collections.abc import Mapping

from torch import Tensor, nn

from ..conversion import compare
from ..conversion.converted import list_faults
from ..conversion.fit import BACKBONE, COUNTED

LEAST_SHARE = 0.5  # of the backbone


def check_resumed(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Refuse to resume from the weights of another network.

    Raises:
        ValueError: if a weight is missing or unknown, or one outside the head has another shape.
    """
    if model._load_state_dict_pre_hooks:  # the model renames what it loads
        return
    fit = compare(weights, model.state_dict())
    faults = list_faults(
        {
            'weights are missing in it': fit.missing,
            'weights have no place in the model': fit.unknown,
            'weights have another shape': fit.misshapen,
        }
    )
    if faults:
        raise ValueError(
            f'the checkpoint to resume is of another network: {faults}. Restore the '
            'model config, or start from its weights (load_from without resume)'
        )


def fill(
    model: nn.Module, weights: Mapping[str, Tensor], num_classes: int | None
) -> tuple[dict[str, Tensor], str]:
    """Complete a checkpoint's weights with the model's own where it has none that fit.

    Args:
        model: the model that starts from them.
        weights: of the checkpoint, under the model's names.
        num_classes: identities of this training. Weights that differ only in that number are
            passed on unchanged, like those that a part of the model resizes or renames itself.

    Returns:
        The weights, and one line on what is not from the checkpoint; '' if all is.

    Raises:
        ValueError: if the checkpoint has fewer than half of the backbone's weights, or of the
            model's if it has no backbone.
    """
    own = model.state_dict()
    resized = [
        f'{name}.' for name, part in model.named_modules() if part._load_state_dict_pre_hooks
    ]
    if '.' in resized:  # the root module itself renames what it loads
        return dict(weights), ''
    fit = compare(weights, own)
    left = {
        name
        for name in (*fit.missing, *fit.unknown, *fit.shapes)
        if name.startswith(tuple(resized)) or of_identities(name, weights, own, num_classes)
    }
    missing, unknown, shapes = (
        [name for name in names if name not in left]
        for names in (fit.missing, fit.unknown, fit.shapes)
    )
    _check_share(list(own), {*fit.missing, *shapes})
    text = list_faults(
        {'not in it': missing, 'of another shape': shapes, 'without a place here': unknown}
    )
    filled = {name: value for name, value in weights.items() if name not in {*unknown, *shapes}}
    filled.update({name: own[name] for name in (*missing, *shapes)})
    taken = sum(name in own for name in weights) - len(shapes)
    return filled, text and f'{taken} of {len(own)} weights are taken from the checkpoint: {text}'


def _check_share(own: list[str], unfilled: set[str]) -> None:
    prefix = BACKBONE if any(name.startswith(BACKBONE) for name in own) else ''
    wanted = [name for name in own if name.startswith(prefix) and not name.endswith(COUNTED)]
    without = [name for name in wanted if name in unfilled]
    if len(wanted) - len(without) < LEAST_SHARE * len(wanted):
        raise ValueError(
            f'the checkpoint has {len(wanted) - len(without)} of {len(wanted)} weights of the '
            f'{"backbone" if prefix else "model"} ({without[0]} is missing or has another shape): '
            'it is of another network or width. Use the config it belongs to, or leave load_from '
            'out'
        )


def of_identities(
    name: str, weights: Mapping[str, Tensor], own: Mapping[str, Tensor], num_classes: int | None
) -> bool:
    """Return whether a weight of the head fits but for the number of identities, if at all."""
    return (
        name.startswith('head.')
        and name in weights
        and name in own
        and own[name].shape == (num_classes, *weights[name].shape[1:])
    )
