# cpu_market_24e with EfficientNet-Lite0 from ImageNet weights in place of MobileNetV2: 128x64,
# 24 epochs.
#   --dataset market1501 --budget cpu_market_lite0
_base_ = ['../schedules/cosine_12e.py', '../models/budget_efficientnet_lite0.py']
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 24
train_cfg = dict(max_epochs=24)
train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        pipeline=dict(
            resize=dict(scale=(64, 128)),
            crop=dict(crop_size=(128, 64), padding=5),
            erase=dict(fill_color=(127.0, 127.0, 127.0)),
        )
    ),
)
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=dict(resize=dict(scale=(64, 128)))))
test_dataloader = val_dataloader
default_hooks = dict(
    logger=dict(interval=37), channels_last=dict(type='reid_fusedloss.ChannelsLastHook')
)
