# Any row on the built-in pedestrians: ResNet-18 of half width from scratch, 96x48, 24 epochs.
#   --dataset synthetic --budget cpu_synthetic
_base_ = '../schedules/cosine_24e.py'
backbones = ['ResNet']
model = dict(
    backbone=dict(depth=18, stem_channels=32, base_channels=32, init_cfg=None),
    head=dict(in_channels=256),
)
train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        pipeline=dict(resize=dict(scale=(48, 96)), crop=dict(crop_size=(96, 48), padding=4))
    ),
)
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=dict(resize=dict(scale=(48, 96)))))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(lr=2e-3))
default_hooks = dict(
    logger=dict(interval=8), channels_last=dict(type='reid_fusedloss.ChannelsLastHook')
)
