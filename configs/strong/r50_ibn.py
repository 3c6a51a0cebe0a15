# The strong recipe for a GPU: all rows on ResNet-50-IBN with non-local blocks, at 384x128, with a
# cosine schedule over 60 epochs. RESNET50_IBN_WEIGHTS names ImageNet weights, as in
# backbones/resnet50_ibn.py.
#   reid-fusedloss train strong/r50_ibn --dataset market1501
# Ours: not run. To compare: FastReID's SBS (R50-ibn), Market-1501 R1 95.7 / mAP 89.3.
_base_ = './10_p4_k16.py'
model = dict(
    backbone=dict(
        type='reid_fusedloss.ResNet',
        ibn=True,
        non_local=(0, 2, 3, 0),
        init_cfg=dict(
            type='Pretrained', checkpoint='{{$RESNET50_IBN_WEIGHTS:torchvision://resnet50}}'
        ),
    )
)
train_dataloader = dict(
    dataset=dict(pipeline=dict(resize=dict(scale=(128, 384)), crop=dict(crop_size=(384, 128))))
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
