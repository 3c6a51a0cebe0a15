# Vehicles instead of pedestrians: another data set, square images, K = 2 (each vehicle has two
# images), ImageNet weights. Ours: docs/results.md.
#   python tools/train.py configs/mobilenetv2/fused_vehicles.py
_base_ = [
    '../_base_/datasets/{{$REID_DATASET:vehicle_reid}}.py',
    '../_base_/models/fused_mobilenetv2.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    batch_sampler=dict(num_instances=2),
    dataset=dict(
        pipeline=dict(
            auto_augment=dict(prob=0.0),
            resize=dict(scale=(128, 128)),
            crop=dict(crop_size=(128, 128), padding=8),
        )
    ),
)
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=dict(resize=dict(scale=(128, 128)))))
test_dataloader = val_dataloader
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=3.5e-4, weight_decay=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=31),
    dict(type='MultiStepLR', milestones=[6, 9], gamma=0.1, by_epoch=True),
]
train_cfg = dict(
    type='reid_fusedloss.ReIDTrainLoop', max_epochs=10, val_interval=5, split_batch=True
)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(interval=10), channels_last=dict(type='reid_fusedloss.ChannelsLastHook')
)
