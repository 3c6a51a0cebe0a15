"""FastReID (He et al., 2020), models BoT and SBS: ResNet, IBN, non-local blocks, GeM."""

from collections.abc import Collection

import torch
from torch import Tensor

from .converted import Converted, Weights
from .rename import MEAN, NORM, RESNET, STD, rename, resnet_options

NON_LOCAL = r'backbone\.NL_([1-4])\.(\d+)\.'
RULES = (
    (rf'(backbone\.{RESNET})', r'\1'),
    (NON_LOCAL + r'(g|theta|phi)\.(weight|bias)', r'backbone.non_local.layer\1.\2.\3.conv.\4'),
    (NON_LOCAL + r'W\.0\.weight', r'backbone.non_local.layer\1.\2.conv_out.conv.weight'),
    (NON_LOCAL + rf'W\.1\.({NORM})', r'backbone.non_local.layer\1.\2.conv_out.bn.\3'),
    (rf'heads\.(?:bottleneck\.[01]|bnneck)\.({NORM})', r'head.bn.\1'),
    (r'heads\.(?:classifier\.)?weight', r'head.classifier.weight'),
    (r'heads\.pool_layer\.p', r'neck.p'),
)
FOLDED = 'folded into the mean of the following normalisation'
LEFT_OUT = (
    (NON_LOCAL + r'W\.0\.bias', FOLDED),
    (r'pixel_(mean|std)', 'set in the config, model.data_preprocessor'),
)
REDUCTION = 'heads.bottleneck.0.weight'


def matches(names: Collection[str]) -> bool:
    """Whether the names have this layout."""
    return 'backbone.layer1.0.conv1.weight' in names and any(
        name.startswith(('heads.', 'pixel_mean')) for name in names
    )


def convert(weights: Weights) -> Converted:
    """Rename the weights.

    In FastReID the convolution before a non-local block's last normalisation has a bias b, ours has
    none: BN(x + b) with mean m equals BN(x) with mean m - b.

    Raises:
        ValueError: if the backbone is not FastReID's ResNet, or has squeeze-and-excitation.
    """
    weights = dict(weights)
    reduced = REDUCTION in weights and weights[REDUCTION].ndim == 4
    reduction = weights.pop(REDUCTION) if reduced else None
    renamed, left = rename(weights, RULES, LEFT_OUT, trunk='backbone.')
    options = resnet_options(weights, 'backbone.')
    if reduction is not None:
        renamed['head.embedding.weight'] = reduction[:, :, 0, 0]
        options['model.head.embedding_dims'] = len(reduction)
    _fold_biases(renamed, weights)
    options |= _normalisation(weights)
    ibn = 'backbone.layer1.0.bn1.IN.weight' in weights
    strong = 'heads.pool_layer.p' in weights or any('NL_' in name for name in weights)
    config = f'published/fastreid_{"sbs" if strong else "bot"}_r50{"_ibn" if ibn else ""}'
    blocks = tuple(
        sum(
            name.startswith(f'backbone.NL_{stage}.') and name.endswith('.g.weight')
            for name in weights
        )
        for stage in range(1, 5)
    )
    if strong and blocks != (0, 2, 3, 0):
        options['model.backbone.non_local'] = blocks
    return Converted(renamed, left, config=config, options=options)


def _fold_biases(renamed: dict[str, Tensor], weights: Weights) -> None:
    for name in (name for name in weights if name.endswith('.W.0.bias')):
        stage, number = name.split('.')[1:3]
        mean = f'backbone.non_local.layer{stage[-1]}.{number}.conv_out.bn.running_mean'
        if mean not in renamed:
            raise ValueError(
                f'{name} is followed by no running mean, so it cannot be converted: the file is '
                'incomplete'
            )
        renamed[mean] = renamed[mean] - weights[name]


def _normalisation(weights: Weights) -> dict[str, list[float]]:
    """Return config keys for images that are not normalised by ImageNet's mean and deviation."""
    options = {}
    for name, usual in dict(mean=MEAN, std=STD).items():
        values = weights.get(f'pixel_{name}', torch.tensor(usual)).flatten()
        if not torch.allclose(values.float(), torch.tensor(usual), atol=0.01):
            options[f'model.data_preprocessor.{name}'] = values.tolist()
    return options
