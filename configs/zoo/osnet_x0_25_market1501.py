# OSNet x0.25 on Market-1501 at 256x128, with weights in the package. With
# BNNeck, 0.2 M parameters; L_id + L_triplet + L_center, 45 epochs from torchreid's MSMT17 weights,
# which the variable OSNET_MSMT17_WEIGHTS names. Ours: README.md beside this file.
#   reid-fusedloss train osnet_x0_25_market1501 --amp
#   reid-fusedloss test osnet_x0_25_market1501 --dataset market1501
_base_ = [
    '../_base_/datasets/market1501.py',
    '../_base_/models/fused_osnet.py',
    '../_base_/default_runtime.py',
]
model = dict(
    backbone=dict(widen_factor=0.25, init_cfg=None),
    neck=dict(in_channels=128),
    head=dict(
        loss=dict(
            terms=dict(id=dict(weight=1.0), circle=dict(weight=0.0), center=dict(weight=5e-4))
        )
    ),
)
train_dataloader = dict(num_workers=1, dataset=dict(pipeline=dict(auto_augment=dict(prob=0.0))))
val_dataloader = dict(num_workers=1)
test_dataloader = val_dataloader
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, weight_decay=5e-4))
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=1, convert_to_iter_based=True
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.001,
        by_epoch=True,
        begin=1,
        end=45,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(
    type='reid_fusedloss.ReIDTrainLoop', max_epochs=45, val_interval=15, split_batch=True
)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(interval=46), channels_last=dict(type='reid_fusedloss.ChannelsLastHook')
)
load_from = '{{$OSNET_MSMT17_WEIGHTS:osnet_x0_25_msmt17.pth}}'
