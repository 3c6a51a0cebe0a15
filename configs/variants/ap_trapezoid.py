# Average precision by the trapezoid rule, as Market-1501's MATLAB code has it: lower than the
# published tables' form.
#   python tools/train.py configs/variants/ap_trapezoid.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
val_evaluator = dict(ap='trapezoid')
test_evaluator = dict(ap='trapezoid')
