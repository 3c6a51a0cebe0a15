# Adam's usual second beta, 0.999, in place of the 0.9 that the paper prints.
#   python tools/train.py configs/variants/adam_beta2_0999.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.999)))
