"""How far a checkpoint fits the model that loads it."""

from collections.abc import Mapping

from torch import Tensor, nn

from ..conversion import compare
from ..conversion.converted import shorten
from ..conversion.fit import BACKBONE, COUNTED

LEAST_SHARE = 0.5  # of the backbone


def check_resumed(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Refuse to resume from the weights of another network.

    Raises:
        ValueError: if a weight is missing, has no place, or, outside the head, another shape.
    """
    if model._load_state_dict_pre_hooks:  # it renames what it loads
        return
    fit = compare(weights, model.state_dict())
    wrong = {
        'are missing in it': fit.missing,
        'have no place in the model': fit.unknown,
        'have another shape': fit.misshapen,
    }
    found = [
        f'{len(names)} weights {fault} ({shorten(names)})'
        for fault, names in wrong.items()
        if names
    ]
    if found:
        raise ValueError(
            f'the checkpoint to resume is of another network: {"; ".join(found)}. Set '
            'the model back, or start from its weights (load_from without resume)'
        )


def fill(
    model: nn.Module, weights: Mapping[str, Tensor], num_classes: int | None
) -> tuple[dict[str, Tensor], str]:
    """The weights that a model starts from: a checkpoint's, and its own where that has none.

    Args:
        model: whose names and shapes count.
        weights: of the checkpoint, by the model's names.
        num_classes: identities here; weights that differ in their number alone are left as they
            are, and so is what a part of the model resizes or renames as it loads it.

    Returns:
        The weights, and a line on what is not the checkpoint's; '' if all is.

    Raises:
        ValueError: if fewer than half of the backbone's weights are in the checkpoint; of the
            model's, if it has no backbone.
    """
    own = model.state_dict()
    resized = [
        f'{name}.' for name, part in model.named_modules() if part._load_state_dict_pre_hooks
    ]
    if '.' in resized:  # the model itself renames what it loads
        return dict(weights), ''
    fit = compare(weights, own)
    left = {
        name
        for name in (*fit.missing, *fit.unknown, *fit.shapes)
        if name.startswith(tuple(resized)) or _of_identities(name, weights, own, num_classes)
    }
    missing, unknown, shapes = (
        [name for name in names if name not in left]
        for names in (fit.missing, fit.unknown, fit.shapes)
    )
    _check_share(own, {*fit.missing, *shapes})
    parts = dict(
        zip(('not in it', 'of another shape', 'without a place here'), (missing, shapes, unknown))
    )
    text = '; '.join(
        f'{len(names)} {fault} ({shorten(names)})' for fault, names in parts.items() if names
    )
    filled = {name: value for name, value in weights.items() if name not in {*unknown, *shapes}}
    filled.update({name: own[name] for name in (*missing, *shapes)})
    taken = sum(name in own for name in weights) - len(shapes)
    return filled, text and f'{taken} of {len(own)} weights are taken from the checkpoint: {text}'


def _check_share(own: Mapping[str, Tensor], unfilled: set[str]) -> None:
    prefix = BACKBONE if any(name.startswith(BACKBONE) for name in own) else ''
    wanted = [name for name in own if name.startswith(prefix) and not name.endswith(COUNTED)]
    without = [name for name in wanted if name in unfilled]
    if len(wanted) - len(without) < LEAST_SHARE * len(wanted):
        raise ValueError(
            f'the checkpoint has {len(wanted) - len(without)} of {len(wanted)} weights of the '
            f'{"backbone" if prefix else "model"} ({without[0]} is missing or has another shape): '
            'it is of another network or width. Choose its config, or leave load_from out'
        )


def _of_identities(
    name: str, weights: Mapping[str, Tensor], own: Mapping[str, Tensor], num_classes: int | None
) -> bool:
    """Whether a part of the head differs in the number of identities alone."""
    return (
        name.startswith('head.')
        and name in weights
        and name in own
        and own[name].shape == (num_classes, *weights[name].shape[1:])
    )
