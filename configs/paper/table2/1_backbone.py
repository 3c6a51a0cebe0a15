# Table 2, Backbone: only the identity loss on ResNet-50, without the paper's additions. Each
# following row switches one of them on; the last row of table 4 equals fusedloss_r50.py.
#   python tools/train.py configs/paper/table2/1_backbone.py --dataset market1501
# Paper: Market-1501 R1 83.4 / mAP 69.6, DukeMTMC-reID R1 78.3 / mAP 61.2. Ours: not run.
_base_ = '../fusedloss_r50.py'
model = dict(
    backbone=dict(strides=(1, 2, 2, 2)),
    head=dict(
        type='reid_fusedloss.LinearReIDHead',
        loss=dict(
            terms=dict(
                id=dict(weight=1.0, label_smoothing=0.0),
                circle=dict(weight=0.0),
                triplet=dict(weight=0.0),
                center=dict(weight=0.0),
            )
        ),
    ),
)
train_dataloader = dict(
    dataset=dict(pipeline=dict(auto_augment=dict(prob=0.0), erase=dict(erase_prob=0.0)))
)
