"""ResNet with the changes that published re-identification networks make."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import NonLocal2d
from mmengine.model import ModuleDict, ModuleList
from mmpretrain.models.backbones import ResNet as _ResNet
from torch import Tensor, nn

from ...checks import check_flag, check_int
from ...registry import MODELS
from ..parts import InitConfig, check_init_cfg

WIDEST = 4096
IBN_STAGES = 3


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


@MODELS.register_module()
class ResNet(_ResNet):
    """ResNet (He et al., CVPR 2016) with IBN, non-local blocks and the stems of other projects.

    By default it is mmpretrain's ResNet; with any options, the weights of that network and of
    torchvision fit. Output: one tensor (B, C, H / s, W / s) for each of `out_indices`.

    Args:
        depth: 18, 34, 50, 101 or 152.
        strides: strides of the four stages; (1, 2, 2, 1) is "last stride 1".
        stem_channels: channels of the stem.
        base_channels: channels within the blocks of the first stage; each stage doubles them.
        out_indices: stages, from 0, whose maps are returned.
        ibn: replace the first normalisation in each block of stages 1 to 3 by instance and batch
            normalisation side by side (IBN-a, Pan et al., ECCV 2018).
        non_local: for each stage, the number of blocks that are followed by a non-local block,
            counted from the last (Wang et al., CVPR 2018, dot product). FastReID uses (0, 2, 3, 0)
            at depth 50. As in FastReID the non-local embedding has one channel.
        stem_relu: False: no ReLU after the stem's normalisation, as in reid-strong-baseline.
        pool_ceil: pool in the stem without padding and round the size up, as in FastReID.
        init_cfg: as in MMEngine; None: mmpretrain's random initialisation.

    Raises:
        ValueError: if an argument is out of range.
        TypeError: if an argument has the wrong type.
    """

    def __init__(
        self,
        depth: int = 50,
        strides: Sequence[int] = (1, 2, 2, 2),
        stem_channels: int = 64,
        base_channels: int = 64,
        out_indices: Sequence[int] = (3,),
        ibn: bool = False,
        non_local: Sequence[int] = (0, 0, 0, 0),
        stem_relu: bool = True,
        pool_ceil: bool = False,
        init_cfg: InitConfig = None,
    ) -> None:
        self._check_sizes(depth, strides, stem_channels, base_channels, out_indices)
        self._check_non_local(non_local, depth)
        for name, value in dict(ibn=ibn, stem_relu=stem_relu, pool_ceil=pool_ceil).items():
            check_flag(name, value)
        check_init_cfg(init_cfg)
        start: dict[str, Any] = {} if init_cfg is None else dict(init_cfg=init_cfg)
        super().__init__(
            depth,
            stem_channels=stem_channels,
            base_channels=base_channels,
            strides=tuple(strides),
            out_indices=tuple(out_indices),
            **start,
        )
        if ibn:
            self._use_ibn()
        if not stem_relu:
            self.relu = nn.Identity()
        if pool_ceil:
            self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
        self.non_local = ModuleDict(
            {
                name: self._non_local_blocks(name, number)
                for name, number in zip(self.res_layers, non_local)
                if number
            }
        )

    def init_weights(self) -> None:
        """Initialise as MMEngine does; a non-local block starts as the identity."""
        super().init_weights()
        if not (isinstance(self.init_cfg, dict) and self.init_cfg['type'] == 'Pretrained'):
            for module in self.non_local.modules():
                if isinstance(module, NonLocal2d):
                    module.init_weights()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the maps of the stages `out_indices` for images (B, 3, H, W)."""
        x = self.maxpool(self.relu(self.norm1(self.conv1(x))))
        outs = []
        for stage, name in enumerate(self.res_layers):
            blocks = getattr(self, name)
            extra = self.non_local[name] if name in self.non_local else []
            for number, block in enumerate(blocks, start=len(extra) - len(blocks)):
                x = block(x)
                if number >= 0:
                    x = extra[number](x)
            if stage in self.out_indices:
                outs.append(x)
        return tuple(outs)

    def _non_local_blocks(self, stage: str, number: int) -> ModuleList:
        channels = getattr(self, stage)[-1].out_channels
        return ModuleList(
            NonLocal2d(channels, mode='dot_product', reduction=channels, norm_cfg=dict(type='BN'))
            for _ in range(number)
        )

    def _use_ibn(self) -> None:
        for name in self.res_layers[:IBN_STAGES]:
            for block in getattr(self, name):
                channels = block.norm1.num_features
                block.add_module(block.norm1_name, InstanceBatchNorm2d(channels))

    @staticmethod
    def _check_sizes(
        depth: int,
        strides: Sequence[int],
        stem_channels: int,
        base_channels: int,
        out_indices: Sequence[int],
    ) -> None:
        check_int('depth', depth)
        if depth not in _ResNet.arch_settings:
            raise ValueError(f'depth must be one of {sorted(_ResNet.arch_settings)}, got {depth}')
        _check_four('strides', strides, 1, 2)
        check_int('stem_channels', stem_channels, most=WIDEST)
        check_int('base_channels', base_channels, most=WIDEST)
        if not isinstance(out_indices, (list, tuple)) or not out_indices:
            raise TypeError(
                f'out_indices must be stages from 0 to 3, such as (3,), got {out_indices!r}'
            )
        for index in out_indices:
            check_int('out_indices', index, least=0, most=3)

    @staticmethod
    def _check_non_local(non_local: Sequence[int], depth: int) -> None:
        blocks = _ResNet.arch_settings[depth][1]
        _check_four('non_local', non_local, 0)
        for stage, (number, most) in enumerate(zip(non_local, blocks)):
            if number > most:
                raise ValueError(
                    f'non_local={tuple(non_local)}: stage {stage + 1} at depth '
                    f'{depth} has {most} blocks, so at most as many non-local blocks'
                )


def _check_four(name: str, values: Any, least: int, most: int | None = None) -> None:
    if not isinstance(values, (list, tuple)) or len(values) != 4:
        raise TypeError(f'{name} must be four integers, one for each stage, got {values!r}')
    for value in values:
        check_int(name, value, least, most)
