"""Weighted sum of loss terms."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..checks import check_int
from ..logs import log
from ..registry import MODELS
from .gather import BatchGatherer
from .terms import build_term, check_term, check_unused, teacher_tensor

MIXABLE = 'logits'  # the only tensor whose targets can mix several identities


@MODELS.register_module()
class FusedLoss(nn.Module):
    """Weighted sum of loss terms, L = sum of w_i L_i.

    A term is any module `(tensor, labels) -> scalar`: one of this package, of another registry
    ('mmpretrain.LabelSmoothLoss') or an import path ('torch.nn.CrossEntropyLoss'). The terms, what
    they read and their weights are logged at construction.

    Args:
        terms: name -> dict with `type`, `reads` (the tensor of the head that the term gets:
            'pooled', 'bn', 'logits' or 'cosines'), `weight` (>= 0; a term of weight exactly 0 is
            left out, which is logged; its arguments are checked by name), optionally `gather`
            (True: on several processes the term gets the samples of all of them, so that a triplet
            or pairwise circle loss mines in the whole batch), `miner` (a module `(tensor, labels)`
            whose result is the third argument of a term that accepts no miner itself), `teacher`
            (for a term whose `forward` has an argument `teacher`, as in distillation: the tensor of
            the teacher that it gets; default: the name in `reads`), and the arguments of the type.
            For a type given by its import path, arguments that have a `type` are built too.
        num_classes: number of identities, for terms that accept `num_classes` and do not set it;
            the head passes it, so that a config sets it once.
        feat_dims: size of the features, likewise, and for `embedding_size`.

    Raises:
        ValueError: if no term is left, or a key, name, `reads` or `weight` is missing or wrong.
        TypeError: if a term is not a dict or its type does not accept its arguments.

    Example, in a config::

        loss=dict(
            type='reid_fusedloss.FusedLoss',
            terms=dict(
                id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.),
                triplet=dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=1.)))
    """

    def __init__(
        self,
        terms: Mapping[str, Mapping[str, Any]],
        num_classes: int | None = None,
        feat_dims: int | None = None,
    ) -> None:
        super().__init__()
        sizes = dict(num_classes=num_classes, feat_dims=feat_dims, embedding_size=feat_dims)
        for size, value in sizes.items():
            if value is not None:
                check_int(size, value)
        if not isinstance(terms, Mapping):
            raise TypeError(f'terms must be a dict of dicts, name -> term, got {terms!r}')
        for name, term in terms.items():
            check_term(name, term)
        used = {name: term for name, term in terms.items() if term['weight'] > 0}
        if not used:
            raise ValueError(f'FusedLoss needs a term with a weight > 0, got {dict(terms)}')
        built = {name: build_term(name, term, sizes) for name, term in used.items()}
        self.terms = nn.ModuleDict({name: term for name, (term, _) in built.items()})
        miners = {name: miner for name, (_, miner) in built.items() if miner is not None}
        self.miners: nn.ModuleDict | dict[str, nn.Module] = nn.ModuleDict(miners) if miners else {}
        for name in set(terms) - set(used):
            check_unused(name, terms[name])
        self.term_reads = {name: term['reads'] for name, term in used.items()}
        compared = {name: teacher_tensor(name, used[name], self.terms[name]) for name in used}
        self.teacher_reads = {name: reads for name, reads in compared.items() if reads is not None}
        self.term_weights = {name: float(term['weight']) for name, term in used.items()}
        self._gather = {name: BatchGatherer() for name, term in used.items() if term.get('gather')}
        left_out = ''.join(
            f'; {name} has weight 0 and is left out' for name in terms if name not in used
        )
        log(f'FusedLoss = {self._formula()}{left_out}')

    @property
    def reads(self) -> frozenset[str]:
        """Return the names of the tensors that the terms read."""
        return frozenset(self.term_reads.values())

    def check_teacher(self, sizes: Mapping[str, int]) -> None:
        """Check that the terms can compare with a teacher.

        A term may have a method `check_teacher(size)` that raises an error of its own.

        Args:
            sizes: number of values of each of the teacher's tensors for an image, by name.

        Raises:
            ValueError: if the teacher lacks a tensor, or one has another size than a term needs.
        """
        for name, reads in self.teacher_reads.items():
            if reads not in sizes:
                raise ValueError(
                    f"term {name!r} compares with the teacher's {reads!r}, but the teacher has "
                    f'{sorted(sizes)}: set its key `teacher` to one of them'
                )
            check: Any = getattr(self.terms[name], 'check_teacher', None)
            try:
                if check is not None:
                    check(sizes[reads])
            except ValueError as error:
                raise ValueError(f'term {name!r}: {error}') from error

    def forward(
        self,
        tensors: Mapping[str, Tensor],
        labels: Tensor,
        scores: Tensor | None = None,
        teacher: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Compute the weighted terms, each under `loss_<name>`; their sum is the loss.

        Terms get float32 tensors and compute in float32, also under autocast.

        Args:
            tensors: tensors of the head, at least those in `reads`; (B, *) each.
            labels: integer identities, shape (B,).
            scores: target of terms on `logits` in place of the labels, shape (B, num_classes), as
                made by Mixup and CutMix; each row sums to 1.
            teacher: the teacher's tensors of the same images, for terms that compare with it.

        Raises:
            ValueError: if the head or the teacher does not offer a tensor, a term returns no
                scalar, or scores are mixed and a term reads another tensor.
        """
        if scores is not None and self._unmixable() and bool((scores.amax(1) < 1).any()):
            self.check_mixed_targets()
        losses = {}
        for name, term in self.terms.items():
            reads = self.term_reads[name]
            if reads not in tensors:
                raise ValueError(
                    f'term {name!r} reads {reads!r}, but the head offers {sorted(tensors)} only'
                )
            tensor, target = tensors[reads], labels
            if scores is not None and reads == MIXABLE:
                target = scores
            with torch.autocast(tensor.device.type, enabled=False):
                loss = self._term(name, term, _at_least_float32(tensor), target, teacher or {})
            if not isinstance(loss, Tensor) or loss.numel() != 1:
                got = f'shape {tuple(loss.shape)}' if isinstance(loss, Tensor) else type(loss)
                raise ValueError(f'term {name!r} must return a scalar tensor, got {got}')
            losses[f'loss_{name}'] = self.term_weights[name] * loss
        return losses

    def check_mixed_targets(self) -> None:
        """Check that all terms accept targets of several identities.

        Raises:
            ValueError: if a term does not.
        """
        if self._unmixable():
            raise ValueError(
                f'the terms {self._unmixable()} compare samples of one identity each, but Mixup or '
                f'CutMix mixes several: keep terms that read {MIXABLE!r} only, or leave the batch '
                'augments out'
            )

    def _term(
        self,
        name: str,
        term: nn.Module,
        tensor: Tensor,
        target: Tensor,
        teacher: Mapping[str, Tensor],
    ) -> Tensor:
        batch, compared = (tensor, target), {}
        if name in self._gather:
            batch = self._gather[name](*batch)
        if name in self.teacher_reads:
            constant = _at_least_float32(self._of_teacher(name, teacher))
            compared = dict(
                teacher=self._gather[name].constant(constant) if name in self._gather else constant
            )
        mined = [self.miners[name](*batch)] if name in self.miners else []
        loss: Tensor = term(*batch, *mined, **compared)
        return loss

    def _of_teacher(self, name: str, teacher: Mapping[str, Tensor]) -> Tensor:
        reads = self.teacher_reads[name]
        if reads not in teacher:
            raise ValueError(
                f"term {name!r} compares with the teacher's {reads!r}, but the model has no "
                "teacher: set model.type='reid_fusedloss.DistilledClassifier' and "
                "model.teacher=dict(checkpoint=...), or the term's weight to 0"
            )
        return teacher[reads]

    def _unmixable(self) -> list[str]:
        return [
            name
            for name, reads in self.term_reads.items()
            if reads != MIXABLE and getattr(self.terms[name], 'uses_labels', True)
        ]

    def _formula(self) -> str:
        parts = []
        for name, term in self.terms.items():
            whose = ' of all processes' if name in self._gather else ''
            if name in self.teacher_reads:
                whose += f" and the teacher's {self.teacher_reads[name]}"
            if name in self.miners:
                whose += f', mined by {type(self.miners[name]).__name__}'
            parts.append(
                f'{self.term_weights[name]:g} * {name}({type(term).__name__} of '
                f'{self.term_reads[name]}{whose})'
            )
        return ' + '.join(parts)

    def extra_repr(self) -> str:
        """Return the formula for `print(model)`."""
        return self._formula()


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
