# Weights of torchreid's osnet_x1_0 (Zhou et al., ICCV 2019): the test uses the feature of 512
# values after pooling, a linear layer, BN and ReLU, and Euclidean distance, 256x128; otherwise
# torchreid_resnet50.py. osnet_ibn_x1_0: model.backbone.variant=ibn; x0_75 and x0_5:
# model.backbone.widen_factor=0.75 model.neck.in_channels=384, and 0.5 and 256.
#   python tools/test.py configs/published/torchreid_osnet_x1_0.py FILE.pth --dataset market1501
# Published: Market-1501 R1 94.2 / mAP 82.6, DukeMTMC-reID R1 87.0 / mAP 70.2. Ours: not run.
_base_ = './torchreid_resnet50_fc512.py'
model = dict(
    backbone=dict(_delete_=True, type='reid_fusedloss.OSNet', widen_factor=1.0, variant='plain'),
    neck=dict(in_channels=512),
)
