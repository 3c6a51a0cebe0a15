# Any row on Market-1501 or a set like it: MobileNetV2 1.0 from ImageNet weights, 128x64, 12 epochs.
#   --dataset market1501 --budget cpu_market
# The row's strides are kept: they are the label of '+Stride=1'.
_base_ = '../schedules/cosine_12e.py'
keep = ['model.backbone.strides']
backbones = ['ResNet', 'MobileNetV2']
model = dict(
    backbone=dict(
        _delete_=True,
        type='reid_fusedloss.MobileNetV2',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$MOBILENETV2_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/mobilenet_v2/mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth}}',  # noqa: E501
            prefix='backbone.')),
    head=dict(in_channels=1280))
train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        pipeline=dict(
            resize=dict(scale=(64, 128)), crop=dict(crop_size=(128, 64), padding=5))))
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=dict(resize=dict(scale=(64, 128)))))
test_dataloader = val_dataloader
default_hooks = dict(
    logger=dict(interval=37), channels_last=dict(type='reid_fusedloss.ChannelsLastHook'))
