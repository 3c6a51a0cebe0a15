"""EfficientNet-Lite with strides of its own."""

from collections.abc import Mapping, Sequence

from mmengine.runner import CheckpointLoader
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor

from ...checks import check_choice
from ...optional import require
from ...registry import MODELS
from ..parts import check_init_cfg, check_strides

ARCHS = ('lite0', 'lite1', 'lite2')
# timm's stages where the strides of a ResNet's stages 2 to 4 stand
DOWNSAMPLING_STAGES = (2, 3, 5)
PARTS = ('conv_stem', 'bn1', 'blocks', 'conv_head', 'bn2')


@MODELS.register_module()
class EfficientNetLite(BaseBackbone):
    """timm's `tf_efficientnet_lite*`, whose strides are written as a ResNet's.

    EfficientNet (Tan and Le, ICML 2019) without squeeze and excitation, with ReLU6, and with
    TensorFlow's SAME padding and batch normalisation eps 1e-3, as Google trained it. timm's
    `efficientnet_lite*`, without the `tf_`, takes the same weights and computes other features, so
    it is not offered here.

    The stem and stage 1 reach 1/4 of the image, as a ResNet's stem does; then come three steps,
    whose strides are 2, 2, 2 in the published network. `strides=(1, 2, 2, 1)` leaves out the last
    of them, as "last stride 1" does in a ResNet: without dilation, which timm's `output_stride=16`
    would add. Strides change no weight. Output: one tensor of shape (B, 1280, H / s, W / s), with
    s = 4 x the product of the strides. Its parts are `conv_stem`, `bn1`, `blocks.0` to `blocks.6`,
    `conv_head` and `bn2`, for `FreezeHook` for one.

    Args:
        arch: 'lite0', 'lite1' or 'lite2'.
        strides: of the four stages that a ResNet has; the first is 1.
        init_cfg: as in MMEngine; None: timm's random start. A file that does not fill the whole
            network is refused.

    Raises:
        ImportError: if timm is not installed.
        ValueError: if `arch` is unknown, there are not four strides, the first is not 1, or one is
            neither 1 nor 2.
        TypeError: if `init_cfg` is no config.
    """

    def __init__(
        self,
        arch: str = 'lite0',
        strides: Sequence[int] = (1, 2, 2, 2),
        init_cfg: dict | None = None,
    ) -> None:
        check_choice('arch', arch, ARCHS)
        check_strides(strides)
        check_init_cfg(init_cfg)
        super().__init__(init_cfg)
        self.arch = arch
        network = require('timm', 'EfficientNetLite').create_model(f'tf_efficientnet_{arch}')
        for part in PARTS:
            self.add_module(part, getattr(network, part))
        for stage, stride in zip(DOWNSAMPLING_STAGES, strides[1:]):
            network.blocks[stage][0].conv_dw.stride = (stride, stride)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Images (B, 3, H, W) -> the last map, as a tuple of one."""
        for part in PARTS:
            x = self.get_submodule(part)(x)
        return (x,)

    def init_weights(self) -> None:
        """Start as `init_cfg` says.

        Raises:
            ValueError: if its file is of another network or size, or not of our names.
        """
        start = self.init_cfg
        if isinstance(start, Mapping) and start['type'] == 'Pretrained':
            self._check_start(start['checkpoint'], start.get('prefix', ''))
        super().init_weights()

    def _check_start(self, checkpoint: str, prefix: str) -> None:
        """MMEngine would leave random whatever a file does not fill."""
        loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
        shapes = {
            name.removeprefix(prefix): value.shape
            for name, value in loaded.get('state_dict', loaded).items()
            if name.startswith(prefix)
        }
        own = {
            name: value.shape
            for name, value in self.state_dict().items()
            if not name.endswith('num_batches_tracked')
        }
        wrong = [name for name, shape in own.items() if shapes.get(name) != shape]
        if wrong:
            raise ValueError(
                f'{checkpoint} does not fill {len(wrong)} of {len(own)} weights of '
                f'EfficientNetLite(arch={self.arch!r}) ({prefix}{wrong[0]} is missing or has '
                'another shape): convert the file of the Python package by '
                'tools/convert_checkpoint.py, and take the config of its size'
            )
