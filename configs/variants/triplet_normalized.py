# Triplet loss on L2-normalised features.
#   python tools/train.py configs/variants/triplet_normalized.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(loss=dict(terms=dict(triplet=dict(normalize=True)))))
