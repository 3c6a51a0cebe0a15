"""A term of the loss, from its config to a module."""
import inspect
from collections.abc import Mapping
from typing import Any, Optional

from torch import nn

from ..checks import check_choice, check_flag, check_number
from ..registry import MODELS

READABLE = ('pooled', 'bn', 'logits', 'cosines')
REQUIRED = ('type', 'reads', 'weight')
OWN = (*REQUIRED, 'gather')  # what FusedLoss reads; the rest is for the type


def check_term(name: str, term: Mapping[str, Any]) -> None:
    """Checks what FusedLoss itself needs of a term; the term's type checks the rest."""
    if not (isinstance(name, str) and name.isidentifier()):
        raise ValueError(f'term name {name!r} must be a plain identifier: log keys are made of it')
    if not isinstance(term, Mapping):
        raise TypeError(f'term {name!r} must be a dict, got {term!r}; weight=0 switches a term off')
    missing = [key for key in REQUIRED if key not in term]
    if missing:
        raise ValueError(f'term {name!r} lacks {missing}; it has {sorted(term)}')
    if not (isinstance(term['type'], str) or callable(term['type'])):
        raise TypeError(f'term {name!r}: type={term["type"]!r} is no name of a loss')
    check_choice(f'term {name!r}: reads', term['reads'], READABLE)
    check_number(f'term {name!r}: weight', term['weight'])
    check_flag(f'term {name!r}: gather', term.get('gather', False))
    if term.get('gather') and str(term['type']).endswith('CenterLoss'):
        raise ValueError(f'term {name!r}: gather=True is not for CenterLoss, which gathers the '
                         'samples of all processes for its centres by itself')
    if term['weight'] < 0:
        raise ValueError(f'term {name!r}: weight={term["weight"]} must be >= 0')


def check_unused(name: str, term: Mapping[str, Any]) -> None:
    """A misspelt name in a term that is not built would show on the day that it gets a weight."""
    built_by = MODELS.get(term['type']) if isinstance(term['type'], str) else term['type']
    if built_by is None:
        raise ValueError(f'term {name!r} (weight 0): type {term["type"]!r} is not registered')
    arguments = {key: value for key, value in term.items() if key not in OWN}
    try:
        inspect.signature(built_by).bind_partial(**arguments)
    except TypeError as error:
        raise TypeError(f'term {name!r} (weight 0, {term["type"]}): {error}; it takes '
                        f'{sorted(_parameters(term["type"]))}') from error


def build_term(name: str, term: Mapping[str, Any],
                sizes: Mapping[str, Optional[int]]) -> nn.Module:
    arguments = {key: value for key, value in term.items()
                 if key == 'type' or key not in OWN}
    try:
        for size in _parameters(term['type']) & set(sizes):
            if sizes[size] is not None:
                arguments.setdefault(size, sizes[size])
        built = MODELS.build(arguments)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        kind = type(error) if type(error) in (TypeError, ValueError) else ValueError
        raise kind(f'term {name!r} ({term["type"]}): {error}') from error
    if not isinstance(built, nn.Module):
        raise TypeError(f'term {name!r}: {term["type"]} must be a torch.nn.Module, got {built!r}')
    return built


def _parameters(kind: Any) -> set[str]:
    """Names that a type's constructor takes; none for a type that is not found."""
    built_by = MODELS.get(kind) if isinstance(kind, str) else kind
    return set(inspect.signature(built_by).parameters) if built_by is not None else set()
