# The test uses the feature before the BN, like the triplet and centre losses.
#   python tools/train.py configs/variants/feature_before_bn.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(test_feature='pooled'))
