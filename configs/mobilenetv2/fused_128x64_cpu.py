# The fused loss on MobileNetV2 1.0 at 128x64, 10 epochs, without AutoAugment, with Adam's default
# betas; half an hour on two CPU cores. Ours: docs/results.md.
#   python tools/train.py configs/mobilenetv2/fused_128x64_cpu.py --dataset market1501
_base_ = './fused_256x128.py'
train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        pipeline=dict(
            auto_augment=dict(prob=0.0),
            resize=dict(scale=(64, 128)),
            crop=dict(crop_size=(128, 64), padding=5),
        )
    ),
)
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=dict(resize=dict(scale=(64, 128)))))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.999)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=185),
    dict(type='MultiStepLR', milestones=[6, 9], gamma=0.1, by_epoch=True),
]
train_cfg = dict(max_epochs=10, val_interval=10)
default_hooks = dict(
    logger=dict(interval=37), channels_last=dict(type='reid_fusedloss.ChannelsLastHook')
)
