# TriNet (Hermans et al., "In Defense of the Triplet Loss", 2017): only the triplet loss, batch hard
# with a soft margin; the classifier is not trained, and pooled features are ranked by Euclidean
# distance. As in their code: P = 18 and K = 4, last stride 2, flips and 256x128 crops of 288x144,
# Adam without weight decay at 3e-4, which decays to a thousandth over the last two fifths.
# Different: an identity is drawn in proportion to its images, not once per round; 150 epochs, on
# Market-1501 about their 25,000 iterations, with the decay by epoch; no layers (1024, 128) after
# the pooling; the test uses one view, the figures below ten (crops, flips).
#   python tools/train.py configs/peers/trinet.py --dataset market1501
# Table 5 quotes: Market-1501 R1 84.9 / mAP 69.1. Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    backbone=dict(strides=(1, 2, 2, 2)),
    head=dict(
        type='reid_fusedloss.LinearReIDHead',
        loss=dict(
            terms=dict(circle=dict(weight=0.0), triplet=dict(margin=None), center=dict(weight=0.0))
        ),
    ),
)
train_dataloader = dict(
    batch_size=72,
    dataset=dict(
        pipeline=dict(
            auto_augment=dict(prob=0.0),
            resize=dict(scale=(144, 288)),
            crop=dict(padding=None),
            erase=dict(erase_prob=0.0),
        )
    ),
)
optim_wrapper = dict(optimizer=dict(lr=3e-4, betas=(0.9, 0.999), weight_decay=0.0))
param_scheduler = [
    dict(type='ExponentialLR', gamma=0.001 ** (1 / 60), by_epoch=True, begin=90, end=150)
]
train_cfg = dict(max_epochs=150)
val_evaluator = dict(distance='euclidean')
test_evaluator = dict(distance='euclidean')
