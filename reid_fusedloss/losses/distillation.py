"""Terms that compare the student with a teacher: features, relations, logits."""

import torch
from torch import Tensor, nn

from ..checks import check_choice, check_flag, check_int, check_number, check_tensor_size
from ..functional.distillation import (
    FORMS,
    feature_distillation_loss,
    logit_distillation_loss,
    relation_distillation_loss,
)
from ..registry import MODELS


@MODELS.register_module()
class FeatureDistillation(nn.Module):
    """Pull each image's feature towards the teacher's; see `feature_distillation_loss`.

    Args:
        feat_dims: size of the student's feature; the head passes its own.
        teacher_dims: size of the teacher's feature, to which a linear layer without bias projects
            the student's, as in FitNets (Romero et al., ICLR 2015). It is trained with the student
            and used in training only. None: no projection; both have one size.
        form: 'cosine' or 'l2'.

    Raises:
        TypeError: if a size is not an integer.
        ValueError: if a size or the form is out of range.
    """

    uses_labels = False

    def __init__(
        self, feat_dims: int | None = None, teacher_dims: int | None = None, form: str = 'cosine'
    ) -> None:
        super().__init__()
        check_choice('form', form, FORMS)
        self.form = form
        self.teacher_dims = teacher_dims
        self.feat_dims = feat_dims
        if teacher_dims is not None:
            check_int('teacher_dims', teacher_dims)
            if feat_dims is None:
                raise TypeError("teacher_dims needs feat_dims, the size of the student's feature")
            check_int('feat_dims', feat_dims)
            check_tensor_size(teacher_dims=teacher_dims, feat_dims=feat_dims)
            # no nn.Linear: the head's init_cfg would start that at a deviation of 0.001
            self.projection = nn.Parameter(torch.empty(teacher_dims, feat_dims))
            nn.init.kaiming_uniform_(self.projection, nonlinearity='linear')

    def check_teacher(self, size: int) -> None:
        """Check the number of values of the teacher's tensor.

        Raises:
            ValueError: if it is not what this term was built for.
        """
        if self.teacher_dims is None and self.feat_dims not in (None, size):
            raise ValueError(
                f"the student's feature has {self.feat_dims} values, the teacher's {size}: set "
                f'teacher_dims={size}, for a projection, or use RelationDistillation'
            )
        if self.teacher_dims not in (None, size):
            raise ValueError(
                f"teacher_dims={self.teacher_dims}, but the teacher's feature has {size} values: "
                f'set teacher_dims={size}'
            )

    def forward(self, features: Tensor, labels: Tensor, teacher: Tensor) -> Tensor:
        """Compute the loss of features (B, C) and the teacher's (B, D), a scalar."""
        if self.teacher_dims is not None:
            if features.shape[1:] != self.projection.shape[1:]:
                raise ValueError(
                    f'FeatureDistillation(feat_dims={self.feat_dims}) got features of shape '
                    f'{tuple(features.shape)}'
                )
            features = features @ self.projection.to(features).T
        return feature_distillation_loss(features, teacher, form=self.form)

    def extra_repr(self) -> str:
        """Return the settings for `print(model)`."""
        return f'teacher_dims={self.teacher_dims}, form={self.form!r}'


@MODELS.register_module()
class RelationDistillation(nn.Module):
    """Keep the teacher's distances and angles between images; see `relation_distillation_loss`.

    Relational knowledge distillation (Park et al., CVPR 2019). The features may differ in size.

    Args:
        distance_weight: factor of the distances; 1 in the paper.
        angle_weight: factor of the angles; 2 in the paper.
        normalize: L2-normalise the features first.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if a factor is negative, or both are 0.
    """

    uses_labels = False

    def __init__(
        self, distance_weight: float = 1.0, angle_weight: float = 2.0, normalize: bool = False
    ) -> None:
        super().__init__()
        for name, value in dict(distance_weight=distance_weight, angle_weight=angle_weight).items():
            check_number(name, value)
            if value < 0:
                raise ValueError(f'{name}={value} must be >= 0')
        if distance_weight == angle_weight == 0:
            raise ValueError('distance_weight and angle_weight are both 0: set one of them')
        check_flag('normalize', normalize)
        self.distance_weight, self.angle_weight = distance_weight, angle_weight
        self.normalize = normalize

    def forward(self, features: Tensor, labels: Tensor, teacher: Tensor) -> Tensor:
        """Compute the loss of features (B, C) and the teacher's (B, D), a scalar."""
        return relation_distillation_loss(
            features,
            teacher,
            distance_weight=self.distance_weight,
            angle_weight=self.angle_weight,
            normalize=self.normalize,
        )

    def extra_repr(self) -> str:
        """Return the settings for `print(model)`."""
        return (
            f'distance_weight={self.distance_weight}, angle_weight={self.angle_weight}, '
            f'normalize={self.normalize}'
        )


@MODELS.register_module()
class LogitDistillation(nn.Module):
    """Match the teacher's class probabilities; see `logit_distillation_loss`.

    The teacher was trained on the same identities in the same order.

    Args:
        temperature: T > 0; Hinton et al. (2015) use 1 to 20.
        num_classes: number of identities; the head passes its own.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if the temperature is not positive.
    """

    uses_labels = False

    def __init__(self, temperature: float, num_classes: int | None = None) -> None:
        super().__init__()
        check_number('temperature', temperature)
        if temperature <= 0:
            raise ValueError(f'temperature={temperature} must be > 0')
        self.temperature, self.num_classes = temperature, num_classes

    def check_teacher(self, size: int) -> None:
        """Check the teacher's number of identities.

        Raises:
            ValueError: if it differs from the student's.
        """
        if self.num_classes not in (None, size):
            raise ValueError(
                f'the teacher has {size} identities, the student {self.num_classes}: its logits '
                'cannot be compared; use FeatureDistillation or RelationDistillation'
            )

    def forward(self, logits: Tensor, labels: Tensor, teacher: Tensor) -> Tensor:
        """Compute the loss of logits (B, *, num_classes) and the teacher's, a scalar."""
        return logit_distillation_loss(logits, teacher, temperature=self.temperature)

    def extra_repr(self) -> str:
        """Return the settings for `print(model)`."""
        return f'temperature={self.temperature}'
