# Triplet loss over all pairs, softmax-weighted, with a soft margin (AGW: Ye et al., TPAMI 2021).
#   python tools/train.py configs/variants/triplet_weighted.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(loss=dict(terms=dict(triplet=dict(margin=None, mining='weighted')))))
