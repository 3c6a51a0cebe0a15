# MobileNetV2 1.0 on Market-1501 at 128x64, with weights in the package. With GeM and BNNeck, 2.2 M
# parameters; the strong recipe. The weights were trained by distillation/mobilenetv2_osnet.py, 60
# epochs from ImageNet weights, which the variable MOBILENETV2_WEIGHTS names. Ours: README.md beside
# this file.
#   reid-fusedloss test mobilenetv2_market1501 --dataset market1501
# The row strong/recipe.py under --budget cpu_market_60e, in one file.
_base_ = '../strong/recipe.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='reid_fusedloss.MobileNetV2',
        strides=(1, 2, 2, 1),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$MOBILENETV2_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/mobilenet_v2/mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth}}',  # noqa: E501
            prefix='backbone.',
        ),
    ),
    head=dict(in_channels=1280),
)
train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        pipeline=dict(resize=dict(scale=(64, 128)), crop=dict(crop_size=(128, 64), padding=5))
    ),
)
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=dict(resize=dict(scale=(64, 128)))))
test_dataloader = val_dataloader
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=1, convert_to_iter_based=True
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=1,
        end=60,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=60, val_interval=20)
default_hooks = dict(
    logger=dict(interval=37), channels_last=dict(type='reid_fusedloss.ChannelsLastHook')
)
