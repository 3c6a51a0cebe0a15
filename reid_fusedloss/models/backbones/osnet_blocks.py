"""Blocks of OSNet, with parameters named as in the weights that its authors publish."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BOTTLENECK = 4
GATE_REDUCTION = 16


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 1,
    stride: int = 1,
    norm: type[nn.Module] | None = nn.BatchNorm2d,
    relu: bool = True,
) -> nn.Sequential:
    """Make a convolution, a normalisation (always named `bn`) and optionally a ReLU."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False)
    )
    if norm is not None:
        layers['bn'] = norm(out_channels, affine=True)
    if relu:
        layers['relu'] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


def lite_conv(channels: int) -> nn.Sequential:
    """Make a Lite 3x3: 1x1, depthwise 3x3, BN, ReLU (ICCV paper, figure 3 b)."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, channels, 1, bias=False),
            conv2=nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            bn=nn.BatchNorm2d(channels),
            relu=nn.ReLU(inplace=True),
        )
    )


def lite_convs(channels: int, length: int) -> nn.Sequential:
    """Make a stream with a receptive field of 2 x length + 1."""
    return nn.Sequential(*(lite_conv(channels) for _ in range(length)))


class ChannelGate(nn.Module):
    """Unified aggregation gate (ICCV paper, eq. 3): scale each channel by a weight of the image."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // GATE_REDUCTION, 1)
        self.fc2 = nn.Conv2d(channels // GATE_REDUCTION, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Scale x (B, C, H, W); the shape stays."""
        hidden = F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))
        return x * torch.sigmoid(self.fc2(hidden))


class OSBlock(nn.Module):
    """Residual block of streams of 1 to 4 lite convolutions (ICCV paper, eq. 2, figure 4 b).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output, a multiple of 64.
        instance_norm: None; 'after': normalise the sum with the shortcut (IBN); 'inside':
            normalise the residual, instead of its last BN (AIN).
    """

    def __init__(
        self, in_channels: int, out_channels: int, instance_norm: str | None = None
    ) -> None:
        super().__init__()
        middle = out_channels // BOTTLENECK
        self.instance_norm = instance_norm
        self.conv1 = conv_norm(in_channels, middle)
        self._add_streams(middle)
        self.gate = ChannelGate(middle)
        self.conv3 = conv_norm(
            middle,
            out_channels,
            relu=False,
            norm=None if instance_norm == 'inside' else nn.BatchNorm2d,
        )
        self.downsample = (
            None
            if in_channels == out_channels
            else conv_norm(in_channels, out_channels, relu=False)
        )
        if instance_norm is not None:
            self.IN = nn.InstanceNorm2d(out_channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, in_channels, H, W) to (B, out_channels, H, W)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.conv1(x)
        x = self.conv3(sum(self.gate(stream(x)) for stream in self._streams()))
        if self.instance_norm == 'inside':
            x = self.IN(x)
        x = x + shortcut
        return F.relu(self.IN(x) if self.instance_norm == 'after' else x)

    def _add_streams(self, channels: int) -> None:
        self.conv2a = lite_conv(channels)
        for length, letter in enumerate('bcd', start=2):
            setattr(self, f'conv2{letter}', lite_convs(channels, length))

    def _streams(self) -> Iterable[Any]:
        return self.conv2a, self.conv2b, self.conv2c, self.conv2d


class AINBlock(OSBlock):
    """`OSBlock` with streams named as in OSNet-AIN's weights."""

    def _add_streams(self, channels: int) -> None:
        self.conv2 = nn.ModuleList(
            nn.Sequential(OrderedDict(layers=lite_convs(channels, length)))
            for length in range(1, 5)
        )

    def _streams(self) -> Iterable[Any]:
        return self.conv2
