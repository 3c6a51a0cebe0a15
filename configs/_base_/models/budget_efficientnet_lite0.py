# What a budget makes of a row's ResNet: EfficientNet-Lite0 with ImageNet weights, a local file
# named by EFFICIENTNET_LITE0_WEIGHTS (see backbones/efficientnet_lite0.py), and the normalisation
# that they want. The row's strides are kept: they are the label of '+Stride=1'.
keep = ['model.backbone.strides']
backbones = ['ResNet', 'MobileNetV2']
model = dict(
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0]),
    backbone=dict(
        _delete_=True,
        type='reid_fusedloss.EfficientNetLite',
        arch='lite0',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$EFFICIENTNET_LITE0_WEIGHTS:EFFICIENTNET_LITE0_WEIGHTS.pth}}',
            prefix='backbone.',
        ),
    ),
    head=dict(in_channels=1280),
)
