"""Circle loss."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..checks import check_choice, check_number
from ..functional.circle import (
    batch_circle_loss,
    circle_loss,
    class_circle_logits,
    pairwise_cosines,
)
from ..registry import MODELS

FORMS = ('class', 'anchor', 'batch')
COSINE_TOLERANCE = 0.02
CHECK_INTERVAL = 100
HINT = "CircleLoss(form='class') needs the cosines of the classifier: reads='cosines'"


@MODELS.register_module()
class CircleLoss(nn.Module):
    """Circle loss (Sun et al., CVPR 2020) in one of three forms.

    Args:
        form: 'class': cross-entropy over a cosine classifier's outputs; reads cosines
            (B, num_classes). 'anchor': pairs, per anchor; 'batch': pairs, whole batch; both read
            features (B, C) of any norm and normalise them.
        margin: relaxation m, in cosine units; 0.25 in the paper's re-identification experiments.
        gamma: scale; 128 in the paper, 64 with margin 0.35 in FastReID's class-level form.
        label_smoothing: label smoothing of the cross-entropy, only for form 'class'.

    Raises:
        TypeError: if a value is not a number.
        ValueError: if a value is out of range, or label smoothing is set for a pairwise form.
    """

    def __init__(
        self, form: str, margin: float, gamma: float, label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        check_choice('form', form, FORMS)
        for name, value in dict(
            margin=margin, gamma=gamma, label_smoothing=label_smoothing
        ).items():
            check_number(name, value)
        if not -1 < margin < 1:
            raise ValueError(f'margin={margin} must be > -1 and < 1: it is in cosine units')
        if gamma <= 0:
            raise ValueError(f'gamma={gamma} must be > 0')
        if not 0 <= label_smoothing < 1:
            raise ValueError(f'label_smoothing={label_smoothing} must be >= 0 and < 1')
        if label_smoothing and form != 'class':
            raise ValueError(
                f'label_smoothing={label_smoothing} has no meaning for pairs '
                f"(form={form!r}): set it to 0 or use form='class'"
            )
        self.form = form
        self.margin = margin
        self.gamma = gamma
        self.label_smoothing = label_smoothing
        self._forwards = 0

    def forward(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss of cosines (B, num_classes) or features (B, C), a scalar.

        Raises:
            ValueError: if form 'class' gets values that are not cosines, which is checked in the
                first forward and every 100th after it, or a label is out of range.
        """
        if self.form == 'class':
            return self._class_level(inputs, labels)
        pairwise = circle_loss if self.form == 'anchor' else batch_circle_loss
        if inputs.ndim != 2:
            raise ValueError(
                f"CircleLoss(form={self.form!r}) needs features (B, C): reads='bn' or "
                f"'pooled'; got shape {tuple(inputs.shape)}"
            )
        return pairwise(pairwise_cosines(inputs), labels, self.margin, self.gamma)

    def _class_level(self, cosines: Tensor, labels: Tensor) -> Tensor:
        self._check_cosines(cosines.detach())
        try:
            logits = class_circle_logits(cosines, labels, self.margin, self.gamma)
        except ValueError as error:
            raise ValueError(f'{HINT}; {error}') from error
        return F.cross_entropy(logits, labels.long(), label_smoothing=self.label_smoothing)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # PyTorch leaves it untyped
    def _check_cosines(self, cosines: Tensor) -> None:
        """Check every 100th input: a check waits for the device, and logits grow over time."""
        if self._forwards % CHECK_INTERVAL == 0 and cosines.numel():
            low, high = torch.stack(cosines.float().aminmax()).tolist()
            if max(-low, high) > 1 + COSINE_TOLERANCE:
                raise ValueError(f'{HINT}; got a value of magnitude {max(-low, high):.4g}')
        self._forwards += 1

    def extra_repr(self) -> str:
        """Return the settings for `print(model)`."""
        return (
            f'form={self.form!r}, margin={self.margin}, gamma={self.gamma}, '
            f'label_smoothing={self.label_smoothing}'
        )
