"""TransReID (He et al., ICCV 2021): the global branch, a ViT with BNNeck."""

import re
from typing import Any

from torch import Tensor

from .converted import Converted, Weights
from .rename import CLASSIFIER, NORM, count_blocks, rename

SIE = 'base.sie_embed'
SIE_FACTOR = 3.0  # SIE_COE, which the file does not hold: 3 in all configs of the project
LAYER = {
    'norm1': 'ln1',
    'norm2': 'ln2',
    'attn.qkv': 'attn.qkv',
    'attn.proj': 'attn.proj',
    'mlp.fc1': 'ffn.layers.0.0',
    'mlp.fc2': 'ffn.layers.1',
}
PARTS = f'({"|".join(map(re.escape, LAYER))})'
HEAD = (
    (r'base\.(cls_token|pos_embed)', r'backbone.\1'),
    (r'base\.patch_embed\.proj\.(weight|bias)', r'backbone.patch_embed.projection.\1'),
    (rf'bottleneck\.({NORM})', r'head.bn.\1'),
    (r'classifier\.weight', 'head.classifier.weight'),
)
# number of tokens, including the class token -> (stride, (height, width)) of the image
IMAGES = {
    129: (16, (256, 128)),
    211: (12, (256, 128)),
    193: (16, (384, 128)),
    311: (12, (384, 128)),
    257: (16, (256, 256)),
    442: (12, (256, 256)),
}
ARCHITECTURES = {(768, 12): 'base', (384, 12): 'deit-small'}


def convert(weights: Weights, camera: int | None = None) -> Converted:
    """Rename the weights of the global branch.

    With JPM, `b1` holds the last layer and the normalisation of the global branch; `b2` and later
    modules are the local branch, which is left out. The embedding of cameras or views (SIE) is the
    same for all patches, so the row of one camera is added to the position embedding.

    Args:
        weights: weights of the file.
        camera: row of the embedding, from 0: Market-1501's camera 1 is 0, with views it is
            camera x views + view; None: the mean of all rows, which is not exact.

    Raises:
        ValueError: if the backbone is another network, or there is no such camera.
    """
    if 'base.blocks.0.attn.qkv.bias' not in weights:
        raise ValueError(
            "base.blocks.0.attn.qkv.bias is missing: TransReID's vit_small "
            'scales its attention in a way that our models do not support'
        )
    weights = dict(weights)
    depth = count_blocks(weights, r'base\.blocks\.(\d+)\.')
    jpm = 'b1.0.norm1.weight' in weights
    notes = _add_cameras(weights, camera)
    renamed, left = rename(weights, (*HEAD, *_layers(depth, jpm)), _left_out(depth, jpm), 'base.')
    options = _options(renamed['backbone.pos_embed'], depth)
    config = None if options is None else 'published/transreid_vit_base'
    return Converted(
        renamed, left, notes, config, options or {}, exact=camera is not None or SIE not in weights
    )


def _layers(depth: int, jpm: bool) -> list[tuple[str, Any]]:
    def layer(name: re.Match) -> str:
        return f'backbone.layers.{name[1]}.{LAYER[name[2]]}.{name[3]}'

    def last(name: re.Match) -> str:
        return f'backbone.layers.{depth - 1}.{LAYER[name[1]]}.{name[2]}'

    if not jpm:
        return [
            (rf'base\.blocks\.(\d+)\.{PARTS}\.(weight|bias)', layer),
            (r'base\.norm\.(weight|bias)', r'backbone.ln1.\1'),
        ]
    return [
        (rf'base\.blocks\.(?!{depth - 1}\.)(\d+)\.{PARTS}\.(weight|bias)', layer),
        (rf'b1\.0\.{PARTS}\.(weight|bias)', last),
        (r'b1\.1\.(weight|bias)', r'backbone.ln1.\1'),
    ]


def _left_out(depth: int, jpm: bool) -> list[tuple[str, str]]:
    left = [(r'base\.fc\..*', CLASSIFIER), (r'base\.sie_embed', 'added to the position embedding')]
    if jpm:
        left += [
            (rf'base\.(blocks\.{depth - 1}|norm)\..*', 'not used there: b1 takes its place'),
            (r'(b2|bottleneck_[1-4]|classifier_[1-4])\..*', 'local branch'),
        ]
    return left


def _add_cameras(weights: dict[str, Tensor], camera: int | None) -> list[str]:
    if SIE not in weights:
        return []
    embedding = weights[SIE]
    if camera is not None and not 0 <= camera < len(embedding):
        raise ValueError(f'camera={camera} must be a row of {SIE}, 0 to {len(embedding) - 1}')
    row = embedding.mean(0) if camera is None else embedding[camera]
    weights['base.pos_embed'] = weights['base.pos_embed'] + SIE_FACTOR * row
    if camera is None:
        return [
            f'{SIE}: no camera is given, so the mean of its {len(embedding)} rows is used and the '
            'features differ from those of the original; tools/convert_checkpoint.py with '
            '--camera N makes them equal for one camera'
        ]
    return [
        f'{SIE}: row {camera} is used, times {SIE_FACTOR:g}; the features equal those of the '
        'original for this camera only'
    ]


def _options(pos_embed: Tensor, depth: int) -> dict[str, Any] | None:
    """Return the keys to set in the config of ViT-B/16, 256x128, stride 16; None: none fits."""
    tokens, channels = pos_embed.shape[1:]
    if tokens not in IMAGES or (channels, depth) not in ARCHITECTURES:
        return None
    stride, (height, width) = IMAGES[tokens]
    options: dict[str, Any] = {}
    if stride != 16:
        options['model.backbone.patch_cfg.stride'] = stride
    if (height, width) != (256, 128):
        options['model.backbone.img_size'] = (height, width)
        for loader in ('train', 'val', 'test'):
            options[f'{loader}_dataloader.dataset.pipeline.resize.scale'] = (width, height)
        options['train_dataloader.dataset.pipeline.crop.crop_size'] = (height, width)
    if (channels, depth) != (768, 12):
        options['model.backbone.arch'] = ARCHITECTURES[channels, depth]
        options['model.head.in_channels'] = channels
    return options
