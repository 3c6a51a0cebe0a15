"""Attention maps: the energy of a feature map, and its gradient-weighted sum (Grad-CAM)."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..optional import require
from .layers import FeatureLayer

Target = Callable[[Tensor], Tensor]


def energy(feature_map: Tensor) -> Tensor:
    """Sum of squares over the channels, of unit length over the places.

    Zagoruyko & Komodakis, "Paying More Attention to Attention", ICLR 2017, section 3.1, F_sum^2
    normalised as in eq. 2; what the field draws of a ReID model (Zhou et al., "Omni-Scale Feature
    Learning", ICCV 2019, figure 6).

    Args:
        feature_map: shape (B, C, H, W).

    Returns:
        Shape (B, H, W), float32.
    """
    squares = feature_map.float().square().sum(1)
    return F.normalize(squares.flatten(1), dim=1).view_as(squares)


def layer_output(model: nn.Module, images: Tensor, layer: FeatureLayer) -> Tensor:
    """The map of a layer of the backbone, shape (B, C, H, W), for images (B, 3, H, W)."""
    probe, found = nn.Identity(), []
    probe.register_forward_hook(lambda module, inputs, output: found.append(output))
    handle = layer.tap(probe)
    try:
        with torch.no_grad():
            model.backbone(images)
    finally:
        handle.remove()
    return layer.read(found[0])


def spread(maps: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Maps over their images: bilinear, then each from 0, its lowest, to 1, its highest.

    Args:
        maps: shape (B, h, w).
        size: height and width (H, W) of the images.

    Returns:
        Shape (B, H, W), float32; zeros where a map is the same everywhere.
    """
    large = F.interpolate(maps[:, None].float(), size, mode='bilinear', align_corners=False)[:, 0]
    low, high = (extreme[:, None, None] for extreme in large.flatten(1).aminmax(dim=1))
    return ((large - low) / (high - low).clamp_min(1e-12)).cpu().numpy()


def grad_cam(
    model: nn.Module, images: Tensor, targets: Sequence[Target], layer: FeatureLayer
) -> np.ndarray:
    """Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2), computed by pytorch_grad_cam.

    Args:
        model: images (B, 3, H, W) -> tensor (B, ...), which runs the layer once.
        images: shape (B, 3, H, W).
        targets: for each image, from its row of the output to the scalar that is to be explained.
        layer: of the model, whose map is weighted.

    Returns:
        Shape (B, H, W), float32: from 0, no place that raises the target, to 1, the place that
        raises it most; zeros where none does.

    Raises:
        ImportError: if pytorch_grad_cam is not installed.
    """
    library = require('pytorch_grad_cam', 'Grad-CAM')
    probe = nn.Identity()  # it reads tensors alone, and a backbone may give several
    handle = layer.tap(probe)
    try:
        cam = library.GradCAM(model, [probe], reshape_transform=layer.read)
        with torch.enable_grad():
            return cam(images.detach().clone().requires_grad_(), list(targets))
    finally:
        handle.remove()
        model.zero_grad(set_to_none=True)
