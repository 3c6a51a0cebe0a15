# Replaces a row's ResNet within a budget: MobileNetV2 1.0 with ImageNet weights, mmpretrain's or a
# local file named by MOBILENETV2_WEIGHTS. The row's strides are kept: row '+Stride=1' is about
# them.
keep = ['model.backbone.strides']
backbones = ['ResNet', 'MobileNetV2']
model = dict(
    backbone=dict(
        _delete_=True,
        type='reid_fusedloss.MobileNetV2',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$MOBILENETV2_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/mobilenet_v2/mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth}}',  # noqa: E501
            prefix='backbone.',
        ),
    ),
    head=dict(in_channels=1280),
)
