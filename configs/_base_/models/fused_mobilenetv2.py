# The fused loss on MobileNetV2 1.0 (1,280 channels); ImageNet weights are mmpretrain's, or a local
# file named by MOBILENETV2_WEIGHTS.
_base_ = './fused_r50.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='MobileNetV2',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$MOBILENETV2_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/mobilenet_v2/mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth}}',  # noqa: E501
            prefix='backbone.',
        ),
    ),
    head=dict(in_channels=1280),
)
