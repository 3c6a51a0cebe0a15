# Weights of torchreid's osnet_x0_25: torchreid_osnet_x1_0.py at a quarter of its width.
#   python tools/test.py configs/published/torchreid_osnet_x0_25.py FILE.pth --dataset market1501
# Published: Market-1501 R1 91.2 / mAP 75.0, DukeMTMC-reID R1 82.0 / mAP 61.4. Ours:
# Market-1501 R1 91.2 / mAP 74.9, by cosine distance (--compare) R1 91.5 / mAP 77.4.
_base_ = './torchreid_osnet_x1_0.py'
model = dict(backbone=dict(widen_factor=0.25), neck=dict(in_channels=128))
