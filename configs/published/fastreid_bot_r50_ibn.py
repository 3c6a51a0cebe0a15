# Weights of FastReID's BoT(R50-ibn): fastreid_bot_r50.py with IBN-a.
#   python tools/test.py configs/published/fastreid_bot_r50_ibn.py FILE.pth --dataset market1501
# Published: Market-1501 R1 94.9 / mAP 87.6, DukeMTMC-reID R1 89.3 / mAP 79.6. Ours: not run.
_base_ = './fastreid_bot_r50.py'
model = dict(backbone=dict(ibn=True))
