"""Compute attention maps: the energy of a feature map, and Grad-CAM."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from mmpretrain.models import ImageClassifier
from torch import Tensor, nn
from torch.nn import functional as F

from ..optional import require
from .layers import FeatureLayer

Target = Callable[[Tensor], Tensor]


def energy(feature_map: Tensor) -> Tensor:
    """Sum the squares over the channels, and normalise to unit length over the positions.

    Zagoruyko & Komodakis, "Paying More Attention to Attention", ICLR 2017, section 3.1, F_sum^2
    normalised as in eq. 2; common for ReID models (Zhou et al., "Omni-Scale Feature Learning",
    ICCV 2019, figure 6).

    Args:
        feature_map: shape (B, C, H, W).

    Returns:
        Shape (B, H, W), float32.
    """
    squares = feature_map.float().square().sum(1)
    return F.normalize(squares.flatten(1), dim=1).view_as(squares)


def layer_output(model: ImageClassifier, images: Tensor, layer: FeatureLayer) -> Tensor:
    """Compute the map of a layer of the backbone, (B, C, H, W), for images (B, 3, H, W)."""
    probe = nn.Identity()
    found: list[Tensor] = []
    probe.register_forward_hook(lambda module, inputs, output: found.append(output))
    handle = layer.tap(probe)
    try:
        with torch.no_grad():
            model.backbone(images)
    finally:
        handle.remove()
    return layer.read(found[0])


def spread(maps: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Resize maps to their images (bilinear), and scale each to the range from 0 to 1.

    Args:
        maps: shape (B, h, w).
        size: height and width (H, W) of the images.

    Returns:
        Shape (B, H, W), float32; a constant map becomes zeros.
    """
    large = F.interpolate(maps[:, None].float(), size, mode='bilinear', align_corners=False)[:, 0]
    low, high = (extreme[:, None, None] for extreme in large.flatten(1).aminmax(dim=1))
    return ((large - low) / (high - low).clamp_min(1e-12)).cpu().numpy()


def grad_cam(
    model: nn.Module, images: Tensor, targets: Sequence[Target], layer: FeatureLayer
) -> np.ndarray:
    """Compute Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2) by pytorch_grad_cam.

    Args:
        model: images (B, 3, H, W) -> tensor (B, ...); runs the layer once.
        images: shape (B, 3, H, W).
        targets: for each image, a function from its row of the output to the scalar to explain.
        layer: layer of the model whose map is weighted.

    Returns:
        Shape (B, H, W), float32: from 0, positions that do not raise the target, to 1, the position
        that raises it most; zeros if none does.

    Raises:
        ImportError: if pytorch_grad_cam is not installed.
    """
    library = require('pytorch_grad_cam', 'Grad-CAM')
    probe = nn.Identity()  # the library reads single tensors, but a backbone may return several
    handle = layer.tap(probe)
    try:
        cam = library.GradCAM(model, [probe], reshape_transform=layer.read)
        with torch.enable_grad():
            maps: np.ndarray = cam(images.detach().clone().requires_grad_(), list(targets))
            return maps
    finally:
        handle.remove()
        model.zero_grad(set_to_none=True)
