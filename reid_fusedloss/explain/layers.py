"""Find the last feature map of any backbone."""

import difflib
import math
from collections import Counter
from typing import Any, NamedTuple

import torch
from mmengine.utils.dl_utils import is_norm
from mmpretrain.models import ImageClassifier
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

TOKEN_COUNTS = ('num_extra_tokens', 'num_prefix_tokens')  # attributes of mmpretrain and timm
SKEW = 1.3  # largest ratio between the aspect ratios of a grid of tokens and of the image


class FeatureLayer(NamedTuple):
    """A layer of a model, and how to read its output as a map.

    Attributes:
        name: name of the layer in the model, such as 'backbone.layer4'.
        module: the layer; if it has several outputs, the last one is used.
        grid: rows and columns of its tokens, which are the last ones; None: its output is a map.
    """

    name: str
    module: nn.Module
    grid: tuple[int, int] | None = None

    def read(self, output: Tensor) -> Tensor:
        """Convert the layer's output, (B, C, H, W) or tokens (B, L, C), to a map (B, C, H, W)."""
        if self.grid is None:
            return output
        tokens = output[:, output.shape[1] - math.prod(self.grid) :]
        return tokens.transpose(1, 2).unflatten(2, self.grid)

    def tap(self, probe: nn.Module) -> RemovableHandle:
        """Pass the output through a module until the returned handle is removed."""

        def send(module: nn.Module, inputs: Any, output: Any) -> Any:
            if isinstance(output, Tensor):
                return probe(output)
            return (*output[:-1], probe(output[-1]))

        return self.module.register_forward_hook(send)


class _Ran(NamedTuple):
    """A layer that ran once, with the shape of its output."""

    name: str
    module: nn.Module
    shape: tuple[int, ...]


def find_layer(
    model: ImageClassifier, images: Tensor, name: str | None = None, *, for_gradient: bool = False
) -> FeatureLayer:
    """Find the layer that outputs the backbone's last map, or a transformer's last tokens.

    In a transformer with a class token the other tokens have no gradient after the last attention,
    so for a gradient the normalisation before it is used, as in mmpretrain's
    tools/visualization/vis_cam.py.

    Args:
        model: a model with a `backbone`.
        images: inputs of the backbone, shape (B, 3, H, W).
        name: name of the layer to use instead.
        for_gradient: whether the gradient of the embedding is needed at the layer.

    Raises:
        ValueError: if there is no such layer, or none that outputs a map.
    """
    ran = _trace(model, images)
    if name is not None:
        return _named(model, ran, images, name)
    spatial = [layer for layer in ran if _is_map(layer.shape) or _is_tokens(layer)]
    norms = [layer for layer in spatial if _is_tokens(layer) and is_norm(layer.module)]
    chosen = [layer for layer in spatial if layer not in norms][-1:]  # the layer that ends last
    if chosen and _is_map(chosen[0].shape):
        return FeatureLayer(chosen[0].name, chosen[0].module)
    if for_gradient and _extra_tokens(model.backbone):
        chosen = norms[-3:-2]
    if not chosen:
        raise ValueError(
            f'the backbone {type(model.backbone).__name__} gives no feature map: name '
            'a layer that gives one'
        )
    return _with_grid(model, chosen[0], images)


def _trace(model: ImageClassifier, images: Tensor) -> list[_Ran]:
    """List the layers of the backbone that run once and return a tensor, in order of their end."""
    counts: Counter[str] = Counter()
    ran: list[_Ran] = []

    def note(name: str, module: nn.Module, output: Any) -> None:
        counts[name] += 1
        output = output[-1] if isinstance(output, (tuple, list)) and output else output
        if isinstance(output, Tensor):
            ran.append(_Ran(name, module, tuple(output.shape)))

    handles = [
        module.register_forward_hook(
            lambda module, inputs, output, name=name: note(name, module, output)
        )
        for name, module in model.backbone.named_modules(prefix='backbone')
    ]
    try:
        with torch.no_grad():
            model.backbone(images[:1])
    finally:
        for handle in handles:
            handle.remove()
    return [layer for layer in ran if counts[layer.name] == 1]


def _named(model: ImageClassifier, ran: list[_Ran], images: Tensor, name: str) -> FeatureLayer:
    found = {layer.name: layer for layer in ran}
    if name not in found:
        near = difflib.get_close_matches(name, found, n=5, cutoff=0.3)
        raise ValueError(
            f'layer={name!r} must be a layer of the backbone that runs once and gives a '
            f'tensor, such as {near or list(found)[-5:]}'
        )
    layer = found[name]
    if _is_map(layer.shape):
        return FeatureLayer(layer.name, layer.module)
    if len(layer.shape) != 3:
        raise ValueError(
            f'layer={name!r} gives shape {layer.shape}, neither a map (B, C, H, W) '
            'nor tokens (B, L, C): name another layer'
        )
    return _with_grid(model, layer, images)


def _is_map(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[2] * shape[3] > 1


def _is_tokens(layer: _Ran) -> bool:
    return len(layer.shape) == 3 and layer.shape[1] > 1 and layer.name != 'backbone'


def _extra_tokens(backbone: nn.Module) -> int:
    """Count tokens without a position in the image, such as the class token."""
    counts = (
        getattr(module, name)
        for module in backbone.modules()
        for name in TOKEN_COUNTS
        if isinstance(getattr(module, name, None), int)
    )
    return next(counts, 0)


def _with_grid(model: ImageClassifier, layer: _Ran, images: Tensor) -> FeatureLayer:
    """Arrange tokens in the grid whose aspect ratio is nearest to that of the image."""
    count = layer.shape[1] - _extra_tokens(model.backbone)
    aspect = images.shape[2] / images.shape[3]

    def skew(rows: int) -> float:
        return abs(math.log(rows * rows / count / aspect))

    rows = min((rows for rows in range(1, count + 1) if count % rows == 0), key=skew, default=0)
    if not rows or skew(rows) > math.log(SKEW):
        raise ValueError(
            f'the {layer.shape[1]} tokens of {layer.name} fit no grid with the aspect ratio '
            f'of the image, {images.shape[2]} x {images.shape[3]}: name another layer'
        )
    return FeatureLayer(layer.name, layer.module, (rows, count // rows))
