# Triplet loss with a soft margin (Hermans et al., 2017) in place of 0.3.
#   python tools/train.py configs/variants/triplet_soft.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(loss=dict(terms=dict(triplet=dict(margin=None)))))
