"""Instance-batch normalisation of IBN-Net."""

import torch
from torch import Tensor, nn


class InstanceBatchNorm2d(nn.Module):
    """Instance normalisation of one half of the channels, batch normalisation of the other half.

    IBN-a of Pan et al., "Two at Once: Enhancing Learning and Generalization Capacities via
    IBN-Net", ECCV 2018, section 3.2. Parameters are named as in that project's weights.

    Args:
        channels: channels of the input; if odd, the batch normalisation gets one more.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.IN = nn.InstanceNorm2d(channels // 2, affine=True)
        self.BN = nn.BatchNorm2d(channels - channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (B, C, H, W); the shape stays."""
        half = self.IN.num_features
        return torch.cat([self.IN(x[:, :half]), self.BN(x[:, half:])], dim=1)
