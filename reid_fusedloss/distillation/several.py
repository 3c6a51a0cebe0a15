"""Several frozen teachers as one: their features side by side."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from .teacher import OF_CLASSES, Teacher


class Teachers:
    """Several teachers that a student learns from together, with the interface of `Teacher`.

    A tensor of theirs is each teacher's L2-normalised feature, side by side: its cosine of two
    images is the mean of the teachers' cosines. They offer the tensors that all have, `embedding`
    always, except those of classes.

    Args:
        teachers: two or more.
    """

    has_classifier = False
    trained_on: Mapping[str, Any] = {}

    def __init__(self, teachers: Sequence[Teacher]) -> None:
        self.teachers = list(teachers)
        self.name = ' and '.join(teacher.name for teacher in self.teachers)
        each = [teacher.sizes for teacher in self.teachers]
        common = set.intersection(*map(set, each)) - OF_CLASSES
        self.sizes = {name: sum(sizes[name] for sizes in each) for name in sorted(common)}

    def __deepcopy__(self, memo: dict[int, Any]) -> 'Teachers':
        return self

    def tensors(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """Compute the named tensors of a batch; see `Teacher.tensors`."""
        each = [teacher.tensors(images, names) for teacher in self.teachers]
        return {
            name: torch.cat([normalize(found[name].float(), dim=-1) for found in each], dim=-1)
            for name in names
        }

    @property
    def fingerprint(self) -> str:
        """Digest of all that their tensors depend on."""
        digits = ' '.join(teacher.fingerprint for teacher in self.teachers)
        return hashlib.sha256(digits.encode()).hexdigest()[:16]
