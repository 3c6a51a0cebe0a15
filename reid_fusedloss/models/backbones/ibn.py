"""Normalisation of IBN-Net."""

import torch
from torch import Tensor, nn


class InstanceBatchNorm2d(nn.Module):
    """Half of the channels by instance, the other half by batch normalisation.

    IBN-a of Pan et al., "Two at Once: Enhancing Learning and Generalization Capacities via
    IBN-Net", ECCV 2018, section 3.2. Parameters are named as in that project's weights.

    Args:
        channels: of the input; of an odd number the batch normalisation has one more.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.half = channels // 2
        self.IN = nn.InstanceNorm2d(self.half, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.half)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> the same shape."""
        return torch.cat([self.IN(x[:, : self.half]), self.BN(x[:, self.half :])], dim=1)
