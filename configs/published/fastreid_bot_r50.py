# Weights of FastReID's BoT(R50): ResNet-50 with last stride 1, a stem whose pooling rounds up, and
# average pooling; the test uses the feature after the BN and cosine distance, 256x128 (bicubic),
# ImageNet's mean and standard deviation, RGB. The training is that of bot_triplet.py.
#   python tools/test.py configs/published/fastreid_bot_r50.py FILE.pth --dataset market1501
# Published: Market-1501 R1 94.4 / mAP 86.1, DukeMTMC-reID R1 87.2 / mAP 77.0. Ours: not run.
_base_ = '../bot/bot_triplet.py'
model = dict(backbone=dict(type='reid_fusedloss.ResNet', pool_ceil=True))
val_dataloader = dict(
    dataset=dict(pipeline=dict(resize=dict(interpolation='bicubic', backend='pillow')))
)
test_dataloader = val_dataloader
