# Weights of torchreid's resnet50: last stride 2, average pooling, a classifier with a bias; the
# test uses the pooled feature and Euclidean distance, 256x128, ImageNet's mean and standard
# deviation. Training: the identity loss with the schedule of bot_triplet.py.
#   python tools/test.py configs/published/torchreid_resnet50.py FILE.pth --dataset market1501
# Published: Market-1501 R1 87.9 / mAP 70.4, DukeMTMC-reID R1 78.3 / mAP 58.9. Ours: not run.
_base_ = '../bot/bot_triplet.py'
model = dict(
    backbone=dict(strides=(1, 2, 2, 2)),
    head=dict(
        type='reid_fusedloss.LinearReIDHead', loss=dict(terms=dict(triplet=dict(weight=0.0)))
    ),
)
val_dataloader = dict(dataset=dict(pipeline=dict(resize=dict(backend='pillow'))))
test_dataloader = val_dataloader
val_evaluator = dict(distance='euclidean')
test_evaluator = dict(distance='euclidean')
