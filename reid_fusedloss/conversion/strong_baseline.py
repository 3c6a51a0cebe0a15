"""reid-strong-baseline (Luo et al., CVPRW 2019): ResNet with BNNeck."""

from .converted import Converted, Weights
from .rename import CLASSIFIER, NORM, RESNET, rename, resnet_options

RULES = (
    (rf'base\.({RESNET})', r'backbone.\1'),
    (rf'bottleneck\.({NORM})', r'head.bn.\1'),
    (r'classifier\.(weight|bias)', r'head.classifier.\1'),
)
LEFT_OUT = ((r'base\.fc\..*', CLASSIFIER),)


def convert(weights: Weights) -> Converted:
    """Rename the weights.

    Its ResNet has no ReLU after the stem's normalisation, its IBN variant has one; the config is
    chosen accordingly.
    """
    renamed, left = rename(weights, RULES, LEFT_OUT, trunk='base.')
    options = resnet_options(weights, 'base.')
    if 'base.layer1.0.bn1.IN.weight' in weights:
        options |= {'model.backbone.ibn': True, 'model.backbone.stem_relu': True}
    return Converted(renamed, left, config='published/strong_baseline_r50', options=options)
