"""Check and build a term of the loss from its config."""

import inspect
from collections.abc import Mapping
from typing import Any

from mmengine.registry import MODELS as ROOT
from torch import nn

from ..checks import check_choice, check_flag, check_number
from ..registry import MODELS

READABLE = ('pooled', 'bn', 'logits', 'cosines')
OF_TEACHER = (*READABLE, 'embedding')  # the last: what a test of the teacher compares
REQUIRED = ('type', 'reads', 'weight')
TEACHER = 'teacher'  # argument of `forward`, and key of the teacher's tensor
OWN = (
    *REQUIRED,
    'gather',
    TEACHER,
)  # keys that FusedLoss reads; the others are arguments of the type
MINER = 'miner'  # passed to the type if it accepts one, otherwise called by FusedLoss
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_term(name: str, term: Mapping[str, Any]) -> None:
    """Check the keys of a term that FusedLoss reads; the term's type checks the others.

    Raises:
        TypeError, ValueError: if one is missing or wrong; names the term.
    """
    if not (isinstance(name, str) and name.isidentifier()):
        raise ValueError(f'term name {name!r} must be a plain identifier: log keys are made of it')
    if not isinstance(term, Mapping):
        raise TypeError(f'term {name!r} must be a dict, got {term!r}; weight=0 switches a term off')
    missing = [key for key in REQUIRED if key not in term]
    if missing:
        raise ValueError(f'term {name!r} lacks {missing}; it has {sorted(term)}')
    if not (isinstance(term['type'], str) or callable(term['type'])):
        raise TypeError(f'term {name!r}: type={term["type"]!r} must be the name of a loss')
    check_choice(f'term {name!r}: reads', term['reads'], READABLE)
    check_number(f'term {name!r}: weight', term['weight'])
    check_flag(f'term {name!r}: gather', term.get('gather', False))
    if TEACHER in term:
        check_choice(f'term {name!r}: {TEACHER}', term[TEACHER], OF_TEACHER)
    if term.get('gather') and str(term['type']).endswith('CenterLoss'):
        raise ValueError(
            f'term {name!r}: gather=True is not for CenterLoss, which itself gathers the '
            'samples of all processes for its centres: remove gather'
        )
    if term['weight'] < 0:
        raise ValueError(f'term {name!r}: weight={term["weight"]} must be >= 0')


def check_unused(name: str, term: Mapping[str, Any]) -> None:
    """Check the arguments of a term of weight 0, so that a typo is found before it gets a weight.

    Raises:
        TypeError: if the type does not accept an argument.
        ValueError: if the type is unknown.
    """
    built_by = _resolve(term['type'])
    if built_by is None:
        raise ValueError(f'term {name!r} (weight 0): type {term["type"]!r} is not registered')
    arguments = {key: value for key, value in term.items() if key not in OWN}
    if MINER not in _parameters(built_by):
        arguments.pop(MINER, None)
    try:
        inspect.signature(built_by).bind_partial(**arguments)
    except TypeError as error:
        raise TypeError(
            f'term {name!r} (weight 0, {term["type"]}): {error}; it accepts '
            f'{sorted(_parameters(built_by))}'
        ) from error


def teacher_tensor(name: str, term: Mapping[str, Any], built: nn.Module) -> str | None:
    """Name the teacher's tensor that a term compares with; None: the term needs no teacher.

    A term whose `forward` has an argument `teacher` gets it: the tensor that the key `teacher`
    names, by default the one of the same name as `reads`.

    Raises:
        ValueError: if the key is set, but the term does not accept the tensor.
    """
    if TEACHER in inspect.signature(built.forward).parameters:
        return str(term.get(TEACHER, term['reads']))
    if TEACHER in term:
        raise ValueError(
            f'term {name!r}: {term["type"]} does not compare with a teacher (its forward has no '
            f'argument {TEACHER!r}): remove the key'
        )
    return None


def build_term(
    name: str, term: Mapping[str, Any], sizes: Mapping[str, int | None]
) -> tuple[nn.Module, nn.Module | None]:
    """Build a term and the miner that FusedLoss calls for it, if any.

    Args:
        name: name of the term.
        term: its config, checked by `check_term`.
        sizes: default values of arguments with these names.

    Raises:
        TypeError, ValueError: if it cannot be built; names the term.
    """
    config = {key: value for key, value in term.items() if key == 'type' or key not in OWN}
    miner = None
    try:
        if MINER in config and MINER not in _parameters(_resolve(config['type'])):
            miner = _build(config.pop(MINER), sizes)
        built = _build(config, sizes)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        kind = type(error) if type(error) in (TypeError, ValueError) else ValueError
        raise kind(f'term {name!r} ({term["type"]}): {error}') from error
    for part, module in ((term['type'], built), (MINER, miner)):
        if not isinstance(module, nn.Module) and (part != MINER or module is not None):
            raise TypeError(f'term {name!r}: {part} must be a torch.nn.Module, got {module!r}')
    return built, miner


def _build(config: Any, sizes: Mapping[str, int | None]) -> Any:
    """Build a module from its config.

    A class outside the registries, such as those of pytorch-metric-learning, does not accept
    configs: its arguments that have a `type` are built first.
    """
    if not (isinstance(config, Mapping) and 'type' in config):
        return config
    arguments = dict(config)
    built_by = _resolve(config['type'])
    for size in _parameters(built_by) & set(sizes):
        if sizes[size] is not None:
            arguments.setdefault(size, sizes[size])
    if built_by is not None and not _is_registered(built_by):
        arguments = {
            key: [_build(part, sizes) for part in value]
            if isinstance(value, (list, tuple))
            else _build(value, sizes)
            for key, value in arguments.items()
        }
    return MODELS.build(arguments)


def _resolve(kind: Any) -> Any:
    """Find the type of a name as a build does, also in the default scope; None if unknown."""
    if not isinstance(kind, str):
        return kind
    with MODELS.switch_scope_and_registry(None) as registry:
        return registry.get(kind)


def _is_registered(built_by: Any) -> bool:
    registries = [ROOT]
    for registry in registries:
        registries += registry.children.values()
    return any(
        built_by is known for registry in registries for known in registry.module_dict.values()
    )


def _parameters(built_by: Any) -> set[str]:
    """Return the arguments of a constructor, and of its parents if it passes keywords on."""
    if built_by is None:
        return set()
    makers = [built_by]
    if isinstance(built_by, type):
        makers = [
            kind.__dict__['__init__'] for kind in built_by.__mro__ if '__init__' in kind.__dict__
        ]
    names: set[str] = set()
    for maker in makers:
        parameters = inspect.signature(maker).parameters.values()
        names |= {part.name for part in parameters if part.kind in NAMED}
        if not any(part.kind is inspect.Parameter.VAR_KEYWORD for part in parameters):
            break
    return names - {'self'}
