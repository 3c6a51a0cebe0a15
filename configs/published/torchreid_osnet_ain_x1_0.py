# Weights of torchreid's osnet_ain_x1_0 (Zhou et al., TPAMI 2021), designed to generalise to other
# data sets: torchreid_osnet_x1_0.py with that variant, and cosine distance.
#   python tools/test.py configs/published/torchreid_osnet_ain_x1_0.py FILE.pth --dataset market1501
# Published: trained on MSMT17, Market-1501 R1 70.1 / mAP 43.3. Ours: not run.
_base_ = './torchreid_osnet_x1_0.py'
model = dict(backbone=dict(variant='ain'))
val_evaluator = dict(distance='cosine')
test_evaluator = dict(distance='cosine')
