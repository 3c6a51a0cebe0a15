# Average precision by the trapezoid rule, as in Market-1501's MATLAB code: lower than the form of
# published tables.
#   python tools/train.py configs/variants/ap_trapezoid.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
val_evaluator = dict(ap='trapezoid')
test_evaluator = dict(ap='trapezoid')
