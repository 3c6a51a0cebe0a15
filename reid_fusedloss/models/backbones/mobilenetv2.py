"""MobileNetV2 with configurable strides."""

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import ConvModule
from mmpretrain.models.backbones import MobileNetV2 as _MobileNetV2

from ...checks import check_flag, check_number
from ...registry import MODELS
from ..parts import InitConfig, check_init_cfg, check_strides

# entries of `arch_settings` with the strides that correspond to stages 2 to 4 of a ResNet
DOWNSAMPLING_LAYERS = (2, 3, 5)
WIDEST = 16
STEM_CHANNELS = 32


@MODELS.register_module()
class MobileNetV2(_MobileNetV2):
    """MobileNetV2 (Sandler et al., CVPR 2018) whose strides are given like those of a ResNet.

    The stem reduces the image to 1/4, like a ResNet's; three more reductions follow, with strides
    2, 2, 2 in the published network. `strides=(1, 2, 2, 1)` leaves out the last one, like "last
    stride 1" in a ResNet. Strides do not change the weights: checkpoints of mmpretrain's
    MobileNetV2 fit. Output: one tensor of shape (B, C, H / s, W / s), s = 4 x the product of the
    strides, with C = 1280 up to `widen_factor` 1.

    Args:
        strides: strides of the four stages of a ResNet; the first is 1.
        widen_factor: multiplies the published numbers of channels.
        expand_first: give the first block an expansion too, a 1x1 convolution from 32 to 32
            channels, as in torchreid; mmpretrain's weights do not contain it.
        round_channels: round channels to multiples of 8, as published; False: round down to
            integers, as torchreid does (this differs at widen_factor 1.4).
        init_cfg: as in MMEngine; None: mmpretrain's random initialisation.

    Raises:
        ValueError: if there are not four strides, the first is not 1, one is neither 1 nor 2, or
            `widen_factor` is out of range.
        TypeError: if `widen_factor` is not a number, `init_cfg` not a config, or a flag not a bool.
    """

    def __init__(
        self,
        strides: Sequence[int] = (1, 2, 2, 2),
        widen_factor: float = 1.0,
        expand_first: bool = False,
        round_channels: bool = True,
        init_cfg: InitConfig = None,
    ) -> None:
        check_strides(strides)
        check_number('widen_factor', widen_factor)
        if not 0 < widen_factor <= WIDEST:
            raise ValueError(f'widen_factor={widen_factor} must be > 0 and <= {WIDEST}')
        check_flag('expand_first', expand_first)
        check_flag('round_channels', round_channels)
        check_init_cfg(init_cfg)
        self.arch_settings = [list(layer) for layer in _MobileNetV2.arch_settings]
        for layer, stride in zip(DOWNSAMPLING_LAYERS, strides[1:]):
            self.arch_settings[layer][-1] = stride
        start: dict[str, Any] = {} if init_cfg is None else dict(init_cfg=init_cfg)
        super().__init__(widen_factor=widen_factor, **start)
        if not round_channels:
            self._round_down()
        if expand_first:
            channels = self.layer1[0].conv[0].in_channels
            self.layer1[0].conv.insert(0, self._layer(channels, channels, 1))

    def _layer(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> ConvModule:
        return ConvModule(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            kernel_size // 2,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
        )

    def _round_down(self) -> None:
        """Build all layers again, since the parent class always rounds to multiples of 8."""
        self.in_channels = max(1, int(STEM_CHANNELS * self.widen_factor))
        self.conv1 = self._layer(3, self.in_channels, 3, stride=2)
        for number, (expansion, channels, blocks, stride) in enumerate(self.arch_settings, start=1):
            wide = max(1, int(channels * self.widen_factor))
            setattr(self, f'layer{number}', self.make_layer(wide, blocks, stride, expansion))
        self.conv2 = self._layer(self.in_channels, self.out_channel, 1)
