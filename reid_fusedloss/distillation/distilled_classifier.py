"""An image classifier that trains with a frozen teacher."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor

from ..registry import MODELS
from .several import Teachers
from .teacher import OF_CLASSES, Teacher, load_teacher


@MODELS.register_module()
class DistilledClassifier(ImageClassifier):
    """mmpretrain's `ImageClassifier` whose loss also gets the tensors of a frozen teacher.

    In each training step the teacher computes its tensors of the same augmented batch, resized and
    normalised as it needs, and terms of the loss compare with them; see `FusedLoss`. Only training
    needs the teacher: it is in no state dict, and a test of this package does not load it.

    Args:
        backbone, neck, head, pretrained, train_cfg, data_preprocessor, init_cfg: as in
            `ImageClassifier`.
        teacher: dict with `checkpoint`, and `config` and `input_size` where they are needed, see
            `load_teacher`, or a list of such dicts, see `Teachers`; None: no teacher, for a test.

    Raises:
        TypeError, FileNotFoundError, ValueError: as `load_teacher`; ValueError also if the terms
            of the loss cannot compare with this teacher.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict | None = None,
        head: dict | None = None,
        teacher: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        pretrained: str | None = None,
        train_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(backbone, neck, head, pretrained, train_cfg, data_preprocessor, init_cfg)
        self.teacher: Teacher | Teachers | None = None
        if teacher is not None:
            self.teacher = self._load(teacher)
            self.check_teacher()

    def _load(self, teacher: Any) -> Teacher | Teachers:
        if not isinstance(teacher, (list, tuple)):
            return load_teacher(teacher, self.data_preprocessor)
        if len(teacher) < 2:
            raise ValueError(
                f'model.teacher is a list of {len(teacher)}: give two or more, or one dict'
            )
        return Teachers([self._load_entry(index, each) for index, each in enumerate(teacher)])

    def _load_entry(self, index: int, teacher: Any) -> Teacher:
        """Load one of several; an error says which."""
        kinds = (FileNotFoundError, TypeError, ValueError)
        try:
            return load_teacher(teacher, self.data_preprocessor)
        except kinds as error:
            kind = next(kind for kind in kinds if isinstance(error, kind))
            raise kind(f'entry {index} of the list model.teacher: {error}') from error

    def check_teacher(self) -> None:
        """Check the terms of the loss against the teacher; also called for a new head.

        Raises:
            ValueError: if no term compares with the teacher, or one cannot.
        """
        if self.teacher is None:
            return
        loss: Any = getattr(self.head, 'loss_module', None)
        reads = getattr(loss, 'teacher_reads', None)
        if not reads:
            raise ValueError(
                'model.teacher is set, but no term of the loss compares with it: add one, such as '
                "relation=dict(type='reid_fusedloss.RelationDistillation', reads='bn', weight=1.0)"
                ', or remove model.teacher'
            )
        if 'teacher' not in inspect.signature(self.head.loss).parameters:
            raise ValueError(
                f'{type(self.head).__name__}.loss has no argument `teacher`, with which it would '
                'pass the tensors of the teacher on to its loss'
            )
        of_classes = sorted(OF_CLASSES & set(reads.values()))
        if of_classes and not self.teacher.has_classifier:
            raise ValueError(
                f'a term compares with {of_classes} of the teacher, but {self.teacher.name} has no '
                'classifier (the networks in the package have none, and several teachers share '
                'none): compare features or relations, or use one checkpoint of a training'
            )
        sizes = dict(self.teacher.sizes)
        if self.head.num_classes is None:  # a provisional head has one identity
            sizes.update({name: 1 for name in OF_CLASSES & set(sizes)})
        loss.check_teacher(sizes)

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the losses of a batch, those that compare with the teacher included."""
        if self.teacher is None:
            return super().loss(inputs, data_samples)
        names = sorted(set(self.head.loss_module.teacher_reads.values()))
        tensors = self.teacher.tensors(inputs, names)
        return self.head.loss(self.extract_feat(inputs), data_samples, teacher=tensors)
