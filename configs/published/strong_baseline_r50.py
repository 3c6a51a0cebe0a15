# Weights of reid-strong-baseline (Luo et al., CVPRW 2019): ResNet-50 with last stride 1 and no ReLU
# in its stem, average pooling; the test uses the feature after the BN and cosine distance, 256x128,
# ImageNet's mean and standard deviation. Its IBN variant: model.backbone.ibn=True
# model.backbone.stem_relu=True. The training is that of bot_triplet_center.py.
#   python tools/test.py configs/published/strong_baseline_r50.py FILE.pth --dataset market1501
# Published: Market-1501 R1 94.5 / mAP 85.9, DukeMTMC-reID R1 86.4 / mAP 76.4. Ours: not run.
_base_ = '../bot/bot_triplet_center.py'
model = dict(backbone=dict(type='reid_fusedloss.ResNet', stem_relu=False))
val_dataloader = dict(dataset=dict(pipeline=dict(resize=dict(backend='pillow'))))
test_dataloader = val_dataloader
