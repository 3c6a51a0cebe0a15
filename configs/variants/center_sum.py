# The centre loss as in eq. 2 of the paper: half the sum over the batch, B / 2 = 32 times the mean
# for 64 images.
#   python tools/train.py configs/variants/center_sum.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(reduction='sum')))))
