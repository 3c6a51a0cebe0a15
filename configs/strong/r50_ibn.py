# The field's parts together, for a GPU: soft margin, GeM, circle loss, frozen start, averaged
# weights and P = 4, K = 16 on ResNet-50-IBN with non-local blocks, at 384x128, with a cosine
# schedule over 60 epochs, much as FastReID's SBS. RESNET50_IBN_WEIGHTS names ImageNet weights, as
# in backbones/resnet50_ibn.py.
#   reid-fusedloss train strong/r50_ibn --dataset market1501
# Ours: not run. To compare: FastReID's SBS (R50-ibn), Market-1501 R1 95.7 / mAP 89.3.
_base_ = './02_center_weight.py'
model = dict(
    backbone=dict(
        type='reid_fusedloss.ResNet',
        ibn=True,
        non_local=(0, 2, 3, 0),
        init_cfg=dict(
            type='Pretrained', checkpoint='{{$RESNET50_IBN_WEIGHTS:torchvision://resnet50}}'
        ),
    ),
    neck=dict(_delete_=True, type='GeneralizedMeanPooling', p=3.0, p_trainable=True),
    head=dict(loss=dict(terms=dict(triplet=dict(margin=None), circle=dict(weight=1.0)))),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'neck.p': dict(decay_mult=0.0)}))
default_hooks = dict(
    freeze=dict(type='reid_fusedloss.FreezeHook', parts=['backbone'], epochs=1),
    ema=dict(type='EMAHook', momentum=1e-3, update_buffers=True),
)
train_dataloader = dict(
    batch_sampler=dict(num_instances=16),
    dataset=dict(pipeline=dict(resize=dict(scale=(128, 384)), crop=dict(crop_size=(384, 128)))),
)
val_dataloader = dict(dataset=dict(pipeline=dict(resize=dict(scale=(128, 384)))))
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
train_cfg = dict(max_epochs=60, val_interval=60)
