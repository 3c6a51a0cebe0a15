# Table 2, +BN: batch normalisation between the feature and the classifier (BNNeck).
#   python tools/train.py configs/paper/table2/6_bn.py --dataset market1501
# Paper: Market-1501 R1 90.1 / mAP 76.2, DukeMTMC-reID R1 85.1 / mAP 74.0. Ours: not run.
_base_ = './5_stride1.py'
model = dict(head=dict(type='reid_fusedloss.BNNeckHead'))
