"""torchvision's ImageNet weights of ConvNeXt, Swin and ViT."""

import re
from collections.abc import Collection
from math import isqrt

import torch

from .converted import Converted, Weights
from .rename import CLASSIFIER, MEAN, STD, count_blocks, rename

LEAF = r'(weight|bias)'
CONVNEXT_PARTS = {
    '0': 'depthwise_conv',
    '2': 'norm',
    '3': 'pointwise_conv1',
    '5': 'pointwise_conv2',
}
SWIN_PARTS = {
    'norm1': 'norm1',
    'norm2': 'norm2',
    'attn.qkv': 'attn.w_msa.qkv',
    'attn.proj': 'attn.w_msa.proj',
    'mlp.0': 'ffn.layers.0.0',
    'mlp.3': 'ffn.layers.1',
}
VIT_PARTS = {
    'ln_1.': 'ln1.',
    'ln_2.': 'ln2.',
    'self_attention.in_proj_': 'attn.qkv.',
    'self_attention.out_proj.': 'attn.proj.',
    'mlp.0.': 'ffn.layers.0.0.',
    'mlp.linear_1.': 'ffn.layers.0.0.',
    'mlp.3.': 'ffn.layers.1.',
    'mlp.linear_2.': 'ffn.layers.1.',
}
STAGE_3 = r'features\.5\.(\d+)\.'
# The image normalisation of torchvision's ViT; vit_base.py has another. The colour of erased areas
# must be zero after the normalisation, and is BGR.
NORMALISED = {
    'model.data_preprocessor.mean': MEAN,
    'model.data_preprocessor.std': STD,
    'train_dataloader.dataset.pipeline.erase.fill_color': MEAN[::-1],
}
# order of the four patches that Swin merges: theirs is column by column, ours row by row
MERGED = [0, 2, 1, 3]


def _either(names: Collection[str]) -> str:
    return f'({"|".join(map(re.escape, names))})'


def convert_convnext(weights: Weights) -> Converted:
    """Rename the backbone of a ConvNeXt of any size."""

    def stage(name: re.Match) -> str:
        return f'backbone.stages.{int(name[1]) // 2}.{name[2]}.'

    rules = (
        (rf'features\.0\.([01])\.{LEAF}', r'backbone.downsample_layers.0.\1.\2'),
        (
            rf'features\.([246])\.([01])\.{LEAF}',
            lambda name: f'backbone.downsample_layers.{int(name[1]) // 2}.{name[2]}.{name[3]}',
        ),
        (r'features\.([1357])\.(\d+)\.layer_scale', lambda name: stage(name) + 'gamma'),
        (
            rf'features\.([1357])\.(\d+)\.block\.([0235])\.{LEAF}',
            lambda name: f'{stage(name)}{CONVNEXT_PARTS[name[3]]}.{name[4]}',
        ),
        (rf'classifier\.0\.{LEAF}', r'backbone.norm3.\1'),
    )
    renamed, left = rename(weights, rules, ((r'classifier\.2\..*', CLASSIFIER),), 'features.')
    renamed = {
        name: value.flatten() if name.endswith('.gamma') else value
        for name, value in renamed.items()
    }
    tiny = (len(weights['features.0.0.weight']), count_blocks(weights, STAGE_3)) == (96, 9)
    return Converted(renamed, left, config='backbones/convnext_tiny' if tiny else None)


def convert_swin(weights: Weights) -> Converted:
    """Rename the backbone of a Swin of any size."""

    def block(name: re.Match) -> str:
        return f'backbone.stages.{int(name[1]) // 2}.blocks.{name[2]}.'

    rules = (
        (rf'features\.0\.0\.{LEAF}', r'backbone.patch_embed.projection.\1'),
        (rf'features\.0\.2\.{LEAF}', r'backbone.patch_embed.norm.\1'),
        (
            rf'features\.([1357])\.(\d+)\.{_either(SWIN_PARTS)}\.{LEAF}',
            lambda name: f'{block(name)}{SWIN_PARTS[name[3]]}.{name[4]}',
        ),
        (
            r'features\.([1357])\.(\d+)\.attn\.(relative_position_(?:bias_table|index))',
            lambda name: f'{block(name)}attn.w_msa.{name[3]}',
        ),
        (
            rf'features\.([246])\.(reduction|norm)\.{LEAF}',
            lambda name: f'backbone.stages.{int(name[1]) // 2 - 1}.downsample.{name[2]}.{name[3]}',
        ),
        (rf'norm\.{LEAF}', r'backbone.norm3.\1'),
    )
    renamed, left = rename(weights, rules, ((r'head\..*', CLASSIFIER),), 'features.')
    for name, value in renamed.items():
        if '.downsample.' in name:
            renamed[name] = _merge_by_rows(value)
        elif name.endswith('_index'):
            renamed[name] = value.reshape(isqrt(value.numel()), -1)
    tiny = (len(weights['features.0.0.weight']), count_blocks(weights, STAGE_3)) == (96, 6)
    return Converted(renamed, left, config='backbones/swin_tiny' if tiny else None)


def _merge_by_rows(value: torch.Tensor) -> torch.Tensor:
    """Reorder the last axis from (patch, channel) to (channel, patch), patches row by row."""
    parts = value.unflatten(-1, (4, -1))[..., MERGED, :]
    return parts.transpose(-1, -2).flatten(-2).contiguous()


def convert_vit(weights: Weights) -> Converted:
    """Rename the backbone of a ViT of any size."""
    rules = (
        (r'class_token', 'backbone.cls_token'),
        (r'encoder\.pos_embedding', 'backbone.pos_embed'),
        (rf'conv_proj\.{LEAF}', r'backbone.patch_embed.projection.\1'),
        (
            rf'encoder\.layers\.encoder_layer_(\d+)\.{_either(VIT_PARTS)}{LEAF}',
            lambda name: f'backbone.layers.{name[1]}.{VIT_PARTS[name[2]]}{name[3]}',
        ),
        (rf'encoder\.ln\.{LEAF}', r'backbone.ln1.\1'),
    )
    renamed, left = rename(weights, rules, ((r'heads\..*', CLASSIFIER),), 'encoder.')
    layers = count_blocks(weights, r'encoder\.layers\.encoder_layer_(\d+)\.')
    base = (*weights['conv_proj.weight'].shape, layers) == (768, 3, 16, 16, 12)
    return Converted(
        renamed,
        left,
        config='backbones/vit_base' if base else None,
        options=dict(NORMALISED) if base else {},
    )
