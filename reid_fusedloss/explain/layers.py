"""Where a backbone, whichever it is, has its last feature map."""

import difflib
import math
from collections import Counter
from typing import Any, NamedTuple

import torch
from mmengine.utils.dl_utils import is_norm
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

TOKEN_COUNTS = ('num_extra_tokens', 'num_prefix_tokens')  # what mmpretrain and timm call them
SKEW = 1.3  # most by which the proportions of a grid of tokens and of the image may differ


class FeatureLayer(NamedTuple):
    """A layer of a model, and how its output is read as a map.

    Attributes:
        name: of the layer in the model, such as 'backbone.layer4'.
        module: the layer; of several outputs the last counts.
        grid: rows and columns of its tokens, which come last; None: its output is a map.
    """

    name: str
    module: nn.Module
    grid: tuple[int, int] | None = None

    def read(self, output: Tensor) -> Tensor:
        """From the layer's output, (B, C, H, W) or tokens (B, L, C), to a map (B, C, H, W)."""
        if self.grid is None:
            return output
        tokens = output[:, output.shape[1] - math.prod(self.grid) :]
        return tokens.transpose(1, 2).unflatten(2, self.grid)

    def tap(self, probe: nn.Module) -> RemovableHandle:
        """Send the output through a module from now on; the handle ends it."""

        def send(module: nn.Module, inputs: Any, output: Any) -> Any:
            if isinstance(output, Tensor):
                return probe(output)
            return (*output[:-1], probe(output[-1]))

        return self.module.register_forward_hook(send)


class _Ran(NamedTuple):
    """A layer that ran once, and the shape of its output."""

    name: str
    module: nn.Module
    shape: tuple[int, ...]


def find_layer(
    model: nn.Module, images: Tensor, name: str | None = None, *, for_gradient: bool = False
) -> FeatureLayer:
    """The layer that gives the backbone's last map; of a transformer, its last tokens.

    The tokens of a class-token transformer have no gradient after the last attention, so for a
    gradient it is the normalisation before that, as in mmpretrain's tools/visualization/vis_cam.py.

    Args:
        model: has a `backbone`.
        images: as the backbone takes them, shape (B, 3, H, W).
        name: of a layer, instead.
        for_gradient: whether the embedding's gradient is wanted there.

    Raises:
        ValueError: if there is no such layer, or none that gives a map.
    """
    ran = _trace(model, images)
    if name is not None:
        return _named(model, ran, images, name)
    spatial = [layer for layer in ran if _is_map(layer.shape) or _is_tokens(layer)]
    norms = [layer for layer in spatial if _is_tokens(layer) and is_norm(layer.module)]
    chosen = [layer for layer in spatial if layer not in norms][-1:]  # of all, what ends last
    if chosen and _is_map(chosen[0].shape):
        return FeatureLayer(chosen[0].name, chosen[0].module)
    if for_gradient and _extra_tokens(model.backbone):
        chosen = norms[-3:-2]
    if not chosen:
        raise ValueError(
            f'the backbone {type(model.backbone).__name__} gives no feature map: name '
            'a layer that does'
        )
    return _with_grid(model, chosen[0], images)


def _trace(model: nn.Module, images: Tensor) -> list[_Ran]:
    """The backbone's layers that run once and give a tensor, in the order in which they end."""
    counts: Counter = Counter()
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


def _named(model: nn.Module, ran: list[_Ran], images: Tensor, name: str) -> FeatureLayer:
    found = {layer.name: layer for layer in ran}
    if name not in found:
        near = difflib.get_close_matches(name, found, n=5, cutoff=0.3)
        raise ValueError(
            f'layer={name!r} is no layer of the backbone that runs once and gives a '
            f'tensor: such are {near or list(found)[-5:]}'
        )
    layer = found[name]
    if _is_map(layer.shape):
        return FeatureLayer(layer.name, layer.module)
    if len(layer.shape) != 3:
        raise ValueError(
            f'layer={name!r} gives shape {layer.shape}, neither a map (B, C, H, W) '
            'nor tokens (B, L, C): name one that does'
        )
    return _with_grid(model, layer, images)


def _is_map(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[2] * shape[3] > 1


def _is_tokens(layer: _Ran) -> bool:
    return len(layer.shape) == 3 and layer.shape[1] > 1 and layer.name != 'backbone'


def _extra_tokens(backbone: nn.Module) -> int:
    """Tokens that stand for no place of the image, such as the class token."""
    counts = (
        getattr(module, name)
        for module in backbone.modules()
        for name in TOKEN_COUNTS
        if isinstance(getattr(module, name, None), int)
    )
    return next(counts, 0)


def _with_grid(model: nn.Module, layer: _Ran, images: Tensor) -> FeatureLayer:
    """Tokens in the grid that has the image's proportions most nearly."""
    count = layer.shape[1] - _extra_tokens(model.backbone)
    aspect = images.shape[2] / images.shape[3]

    def skew(rows: int) -> float:
        return abs(math.log(rows * rows / count / aspect))

    rows = min((rows for rows in range(1, count + 1) if count % rows == 0), key=skew, default=0)
    if not rows or skew(rows) > math.log(SKEW):
        raise ValueError(
            f'the {layer.shape[1]} tokens of {layer.name} fit into no grid of the '
            f'proportions of the image, {images.shape[2]} x {images.shape[3]}: name '
            'another layer'
        )
    return FeatureLayer(layer.name, layer.module, (rows, count // rows))
