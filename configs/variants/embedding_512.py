# A linear layer reduces the feature to 512 values, which the losses and the test use.
#   python tools/train.py configs/variants/embedding_512.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(embedding_dims=512))
