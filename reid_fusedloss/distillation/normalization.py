"""Turn a batch normalised for one network into the batch of another."""

from typing import NamedTuple

import torch
from mmpretrain.models import ClsDataPreprocessor
from torch import Tensor, nn


class Renormalization(NamedTuple):
    """Change of mean, standard deviation and channel order: images * scale + shift, then flip."""

    scale: Tensor
    """Shape (3, 1, 1)."""
    shift: Tensor
    """Shape (3, 1, 1)."""
    flips: bool
    """Whether the order of the channels is reversed."""

    def __call__(self, images: Tensor) -> Tensor:
        """Return the images (B, 3, H, W) of the other network; unchanged ones are not copied."""
        if bool((self.scale != 1).any() or (self.shift != 0).any()):
            images = images * self.scale.to(images.device) + self.shift.to(images.device)
        return images.flip(1) if self.flips else images


def renormalization(before: nn.Module, after: nn.Module) -> Renormalization:
    """Compare the data preprocessors of two models.

    Args:
        before: by which the images were normalised.
        after: of the model that is to read them.

    Raises:
        ValueError: if one is not mmpretrain's `ClsDataPreprocessor`.
    """
    mean, std = _statistics(before)
    other_mean, other_std = _statistics(after)
    flips = bool(before.to_rgb) != bool(after.to_rgb)
    if flips:  # both in the channel order of the images
        other_mean, other_std = other_mean.flip(0), other_std.flip(0)
    return Renormalization(std / other_std, (mean - other_mean) / other_std, flips)


def _statistics(preprocessor: nn.Module) -> tuple[Tensor, Tensor]:
    if not isinstance(preprocessor, ClsDataPreprocessor):
        raise ValueError(
            'distillation needs ClsDataPreprocessor as the data_preprocessor of student and '
            f'teacher, got {type(preprocessor).__name__}'
        )
    if not hasattr(preprocessor, 'mean'):
        return torch.zeros(3, 1, 1), torch.ones(3, 1, 1)
    return preprocessor.mean.detach().float().cpu(), preprocessor.std.detach().float().cpu()
