# Weights of torchreid's mobilenetv2_x1_0, whose first block also expands; otherwise
# torchreid_resnet50.py. mobilenetv2_x1_4: model.backbone.widen_factor=1.4
# model.head.in_channels=1792 (R1 87.0 / mAP 68.5 on Market-1501).
#   python tools/test.py configs/published/torchreid_mobilenetv2_x1_0.py X.pth --dataset market1501
# Published: Market-1501 R1 85.6 / mAP 67.3, DukeMTMC-reID R1 74.2 / mAP 54.7. Ours: not run.
_base_ = './torchreid_resnet50.py'
model = dict(
    backbone=dict(
        _delete_=True, type='reid_fusedloss.MobileNetV2', expand_first=True, round_channels=False
    ),
    head=dict(in_channels=1280),
)
