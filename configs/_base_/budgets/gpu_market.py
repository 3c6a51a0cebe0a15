# Any row on Market-1501 or a set like it on one GPU: MobileNetV2 1.0 from ImageNet weights, the
# paper's image size (256x128), half of its schedule.
#   --dataset market1501 --budget gpu_market
# The row's strides are kept: they are the label of '+Stride=1'.
_base_ = '../schedules/paper_60e.py'
keep = ['model.backbone.strides']
model = dict(
    backbone=dict(
        _delete_=True,
        type='reid_fusedloss.MobileNetV2',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$MOBILENETV2_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/mobilenet_v2/mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth}}',  # noqa: E501
            prefix='backbone.')),
    head=dict(in_channels=1280))
default_hooks = dict(channels_last=dict(type='reid_fusedloss.ChannelsLastHook'))
