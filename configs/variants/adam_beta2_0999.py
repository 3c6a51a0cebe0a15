# Adam's default second beta, 0.999, in place of the paper's 0.9.
#   python tools/train.py configs/variants/adam_beta2_0999.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.999)))
