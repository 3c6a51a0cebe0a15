# The circle loss without label smoothing.
#   python tools/train.py configs/variants/circle_unsmoothed.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(loss=dict(terms=dict(circle=dict(label_smoothing=0.0)))))
