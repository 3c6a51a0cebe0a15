import inspect
import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, Optional

from mmengine.logging import print_log
from torch import Tensor, nn

from ..registry import MODELS

READABLE = ('pooled', 'bn', 'logits', 'cosines')
REQUIRED = ('type', 'reads', 'weight')


@MODELS.register_module()
class FusedLoss(nn.Module):
    """Weighted sum of loss terms, L = sum of w_i L_i.

    A term is any module `(tensor, labels) -> scalar`: one of this package, of another registry
    ('mmpretrain.LabelSmoothLoss') or an import path ('torch.nn.CrossEntropyLoss'). Which terms
    are computed, what they read and what they weigh goes to the log at construction.

    Args:
        terms: name -> dict with `type`, `reads` (the tensor of the head that the term gets:
            'pooled', 'bn', 'logits' or 'cosines'), `weight` (>= 0; a term of weight exactly 0 is
            left out, and the log says so; its arguments are checked by name) and the arguments of
            the type.
        num_classes: number of identities, for terms that take `num_classes` and do not state it;
            the head hands it over, so that it stands once in a config.
        feat_dims: size of the features, likewise.

    Raises:
        ValueError: if no term is left, or a key, name, `reads` or `weight` is missing or wrong.
        TypeError: if a term is not a dict or its type does not take its arguments.

    Example, in a config::

        loss=dict(
            type='reid_fusedloss.FusedLoss',
            terms=dict(
                id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.),
                triplet=dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=1.)))
    """

    def __init__(self, terms: Mapping[str, Mapping[str, Any]], num_classes: Optional[int] = None,
                 feat_dims: Optional[int] = None) -> None:
        super().__init__()
        sizes = dict(num_classes=num_classes, feat_dims=feat_dims)
        for name, term in terms.items():
            _check_term(name, term)
        used = {name: term for name, term in terms.items() if term['weight'] > 0}
        if not used:
            raise ValueError(f'FusedLoss needs a term with a weight > 0, got {dict(terms)}')
        self.terms = nn.ModuleDict({
            name: _build_term(name, term, sizes) for name, term in used.items()})
        for name in set(terms) - set(used):
            _check_unused(name, terms[name])
        self.term_reads = {name: term['reads'] for name, term in used.items()}
        self.term_weights = {name: float(term['weight']) for name, term in used.items()}
        left_out = ''.join(f'; {name} has weight 0 and is left out'
                           for name in terms if name not in used)
        print_log(f'FusedLoss = {self._formula()}{left_out}', logger='current')

    @property
    def reads(self) -> frozenset[str]:
        """Names of the tensors that the terms read."""
        return frozenset(self.term_reads.values())

    def forward(self, tensors: Mapping[str, Tensor], labels: Tensor) -> dict[str, Tensor]:
        """Weighted terms, each under `loss_<name>`; their sum is the loss.

        Args:
            tensors: what the head offers, at least the names in `reads`; (B, *) each.
            labels: integer identities, shape (B,).

        Raises:
            ValueError: if the head does not offer a tensor, or a term returns no scalar.
        """
        losses = {}
        for name, term in self.terms.items():
            reads = self.term_reads[name]
            if reads not in tensors:
                raise ValueError(f'term {name!r} reads {reads!r}, but the head offers '
                                 f'{sorted(tensors)} only')
            loss = term(tensors[reads], labels)
            if not isinstance(loss, Tensor) or loss.numel() != 1:
                got = f'shape {tuple(loss.shape)}' if isinstance(loss, Tensor) else type(loss)
                raise ValueError(f'term {name!r} must return a scalar tensor, got {got}')
            losses[f'loss_{name}'] = self.term_weights[name] * loss
        return losses

    def _formula(self) -> str:
        return ' + '.join(f'{self.term_weights[name]:g} * {name}({type(term).__name__} of '
                          f'{self.term_reads[name]})' for name, term in self.terms.items())

    def extra_repr(self) -> str:
        """The formula, for `print(model)`."""
        return self._formula()


def _check_term(name: str, term: Mapping[str, Any]) -> None:
    """Checks what FusedLoss itself needs of a term; the term's type checks the rest."""
    if not (isinstance(name, str) and name.isidentifier()):
        raise ValueError(f'term name {name!r} must be a plain identifier: log keys are made of it')
    if not isinstance(term, Mapping):
        raise TypeError(f'term {name!r} must be a dict, got {term!r}; weight=0 switches a term off')
    missing = [key for key in REQUIRED if key not in term]
    if missing:
        raise ValueError(f'term {name!r} lacks {missing}; it has {sorted(term)}')
    if term['reads'] not in READABLE:
        raise ValueError(f'term {name!r}: reads={term["reads"]!r} is none of {READABLE}')
    weight = term['weight']
    if not isinstance(weight, Real) or isinstance(weight, bool):
        raise TypeError(f'term {name!r}: weight={weight!r} must be a number')
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f'term {name!r}: weight={weight} must be finite and >= 0')


def _check_unused(name: str, term: Mapping[str, Any]) -> None:
    """A misspelt name in a term that is not built would show on the day that it gets a weight."""
    built_by = MODELS.get(term['type']) if isinstance(term['type'], str) else term['type']
    if built_by is None:
        raise ValueError(f'term {name!r} (weight 0): type {term["type"]!r} is not registered')
    arguments = {key: value for key, value in term.items() if key not in REQUIRED}
    try:
        inspect.signature(built_by).bind_partial(**arguments)
    except TypeError as error:
        raise TypeError(f'term {name!r} (weight 0, {term["type"]}): {error}; it takes '
                        f'{sorted(_parameters(term["type"]))}') from error


def _build_term(name: str, term: Mapping[str, Any],
                sizes: Mapping[str, Optional[int]]) -> nn.Module:
    arguments = {key: value for key, value in term.items() if key not in ('reads', 'weight')}
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
