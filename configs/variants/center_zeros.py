# Centres start at 0, not at random points.
#   python tools/train.py configs/variants/center_zeros.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(init='zeros')))))
