# Centres start at the mean feature of their identity's first batch, not at random points.
#   python tools/train.py configs/variants/center_class_mean.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(init='class_mean')))))
