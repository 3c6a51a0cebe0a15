# reid-strong-baseline (Luo et al., CVPRW 2019) without the centre loss: identity loss with label
# smoothing + triplet loss, with that project's optimizer, schedule and erasing colour. It erases
# with 0.485, 0.456, 0.406 after normalisation, which is the colour below (BGR) before it. Different
# from that project: the aspect ratio of erased patches is log-uniform, and the stem has a ReLU.
#   python tools/train.py configs/bot/bot_triplet.py --dataset market1501
# Published: Market-1501 R1 94.1 / mAP 85.7. Ours: not run.
_base_ = [
    '../_base_/datasets/{{$REID_DATASET:market1501}}.py',
    '../_base_/models/fused_r50.py',
    '../_base_/schedules/bot_120e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    head=dict(
        loss=dict(terms=dict(id=dict(weight=1.0), circle=dict(weight=0.0), center=dict(weight=0.0)))
    )
)
train_dataloader = dict(
    dataset=dict(pipeline=dict(auto_augment=dict(prob=0.0), erase=dict(fill_color=(127, 142, 152))))
)
