# A small version of the main config for a CPU: ResNet-18 of half width, trained from scratch on the
# built-in synthetic pedestrians at 128x64 for 14 epochs.
#   python tools/train.py configs/demo/synthetic_r18.py --amp
_base_ = [
    '../_base_/datasets/{{$REID_DATASET:synthetic}}.py',
    '../_base_/models/fused_r50.py',
    '../_base_/default_runtime.py',
]
model = dict(
    backbone=dict(depth=18, stem_channels=32, base_channels=32, init_cfg=None),
    head=dict(in_channels=256),
)
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
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-3, weight_decay=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=16),
    dict(type='CosineAnnealingLR', eta_min_ratio=0.01, by_epoch=True, begin=1, end=14),
]
train_cfg = dict(
    type='reid_fusedloss.ReIDTrainLoop', max_epochs=14, val_interval=7, split_batch=True
)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(interval=8), channels_last=dict(type='reid_fusedloss.ChannelsLastHook')
)
