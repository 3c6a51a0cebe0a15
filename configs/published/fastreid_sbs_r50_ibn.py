# Weights of FastReID's SBS(R50-ibn): fastreid_sbs_r50.py with IBN-a.
#   python tools/test.py configs/published/fastreid_sbs_r50_ibn.py FILE.pth --dataset market1501
# Published: Market-1501 R1 95.7 / mAP 89.3, DukeMTMC-reID R1 90.8 / mAP 81.2. Ours: not run.
_base_ = './fastreid_sbs_r50.py'
model = dict(backbone=dict(ibn=True))
