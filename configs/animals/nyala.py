# Animals instead of people: nyalas, whose flanks tell them apart, on square images and unmirrored,
# since left and right flank differ. Weights from ImageNet. Photos are large: copies of 256 pixels
# train several times faster.
#   NYALA_ROOT=data/nyala python tools/train.py configs/animals/nyala.py
_base_ = [
    '../_base_/datasets/{{$REID_DATASET:nyala}}.py',
    '../_base_/models/fused_mobilenetv2.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    dataset=dict(
        pipeline=dict(
            auto_augment=dict(prob=0.0),
            resize=dict(scale=(128, 128)),
            flip=dict(prob=0.0),
            crop=dict(crop_size=(128, 128), padding=8),
        )
    ),
)
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=dict(resize=dict(scale=(128, 128)))))
test_dataloader = val_dataloader
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=3.5e-4, weight_decay=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=38),
    dict(type='MultiStepLR', milestones=[12, 17], gamma=0.1, by_epoch=True),
]
train_cfg = dict(
    type='reid_fusedloss.ReIDTrainLoop', max_epochs=20, val_interval=10, split_batch=True
)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(interval=10), channels_last=dict(type='reid_fusedloss.ChannelsLastHook')
)
