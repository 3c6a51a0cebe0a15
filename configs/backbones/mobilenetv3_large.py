# The fused losses on MobileNetV3-Large: 960 channels, stride 32. ImageNet weights are mmpretrain's,
# or a local file named by MOBILENETV3_WEIGHTS.
#   python tools/train.py configs/backbones/mobilenetv3_large.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='MobileNetV3',
        arch='large',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$MOBILENETV3_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/mobilenet_v3/mobilenet-v3-large_8xb128_in1k_20221114-0ed9ed9a.pth}}',  # noqa: E501
            prefix='backbone.',
        ),
    ),
    head=dict(in_channels=960),
)
