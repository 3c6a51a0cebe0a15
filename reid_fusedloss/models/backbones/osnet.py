"""OSNet, a small network for re-identification."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from ...checks import check_choice, check_flag, check_int
from ...registry import MODELS
from ..parts import InitConfig, check_init_cfg
from .osnet_blocks import AINBlock, OSBlock, conv_norm

CHANNELS = (64, 256, 384, 512)  # channels of the stem and the three stages, at width 1
WIDTHS = (0.25, 0.5, 0.75, 1.0)
# place of the instance normalisation in the two blocks of each stage
BLOCKS = dict(
    plain=((None, None), (None, None), (None, None)),
    ibn=(('after', 'after'), (None, None), (None, None)),
    ain=(('inside', 'inside'), (None, 'inside'), ('inside', None)),
)
START = [
    dict(type='Kaiming', layer='Conv2d'),
    dict(type='Constant', layer=['BatchNorm2d', 'InstanceNorm2d'], val=1.0),
]


@MODELS.register_module()
class OSNet(BaseModule):
    """Omni-scale network of Zhou et al., ICCV 2019, and OSNet-AIN of their TPAMI paper, 2021.

    Output: one tensor of shape (B, 512 x widen_factor, H / 16, W / 16). For the pooling and the
    layer of 512 channels with BN and ReLU that follow in the papers, use mmpretrain's `LinearNeck`.
    Parameters are named as in the weights that the authors publish for torchreid, which load
    without conversion: `init_cfg=dict(type='Pretrained', checkpoint=...)`. Their `fc` and
    `classifier` are ignored, so the neck and the head are trained from scratch.

    Args:
        widen_factor: multiplies the channels: 0.25, 0.5, 0.75 or 1.0.
        variant: 'plain'; 'ibn': instance normalisation in the stem and at the end of the first
            stage's blocks (osnet_ibn); 'ain': in the stem and inside the residuals, where the
            authors' architecture search placed it (osnet_ain).
        frozen_stages: as in mmpretrain's ResNet, the last stage that is not trained and keeps its
            statistics: -1: none; 0: the stem, conv1; 1: conv2 too; at most 4, all with conv5.
        norm_eval: keep the statistics of all batch normalisations in training.
        init_cfg: as in MMEngine; None: He et al.'s for convolutions, 1 and 0 for normalisations.

    Raises:
        ValueError: if `widen_factor` or `variant` is unknown, or `frozen_stages` out of range.
        TypeError: if an argument has the wrong type.
    """

    def __init__(
        self,
        widen_factor: float = 1.0,
        variant: str = 'plain',
        frozen_stages: int = -1,
        norm_eval: bool = False,
        init_cfg: InitConfig = None,
    ) -> None:
        if isinstance(widen_factor, bool) or widen_factor not in WIDTHS:
            raise ValueError(f'widen_factor must be one of {WIDTHS}, got {widen_factor!r}')
        check_choice('variant', variant, BLOCKS)
        check_int('frozen_stages', frozen_stages, least=-1, most=4)
        check_flag('norm_eval', norm_eval)
        check_init_cfg(init_cfg)
        super().__init__(init_cfg=START if init_cfg is None else init_cfg)
        self.frozen_stages, self.norm_eval = frozen_stages, norm_eval
        stem, *stages = (int(channels * widen_factor) for channels in CHANNELS)
        norm = nn.BatchNorm2d if variant == 'plain' else nn.InstanceNorm2d
        self.conv1 = conv_norm(3, stem, 7, stride=2, norm=norm)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        before = stem
        for number, (channels, norms) in enumerate(zip(stages, BLOCKS[variant]), start=2):
            self._add_stage(number, before, channels, norms, variant == 'ain')
            before = channels
        self.conv5 = conv_norm(before, before)
        self.train()

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Map images (B, 3, H, W) to features (B, 512 x widen_factor, H / 16, W / 16)."""
        for layer in self.children():  # registered in the order of the computation
            x = layer(x)
        return (x,)

    def train(self, mode: bool = True) -> 'OSNet':
        """Set the mode as in PyTorch; frozen stages stay in evaluation mode."""
        super().train(mode)
        for number in range(1, self.frozen_stages + 2):
            for name in (f'conv{number}', f'pool{number}'):
                if hasattr(self, name):
                    getattr(self, name).eval().requires_grad_(False)
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def _add_stage(
        self, number: int, in_channels: int, channels: int, norms: tuple[str | None, ...], ain: bool
    ) -> None:
        """Add two blocks and, except in the last stage, a reduction, a separate module in AIN."""
        block = AINBlock if ain else OSBlock
        layers: list[nn.Module] = [
            block(size, channels, norm) for size, norm in zip((in_channels, channels), norms)
        ]
        down = nn.Sequential(conv_norm(channels, channels), nn.AvgPool2d(2))
        if number < 4 and not ain:
            layers.append(down)
        self.add_module(f'conv{number}', nn.Sequential(*layers))
        if number < 4 and ain:
            self.add_module(f'pool{number}', down)
