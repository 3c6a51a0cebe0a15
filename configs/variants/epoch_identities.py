# An epoch shows each identity once (open-reid): 46 iterations on Market-1501, where the default
# rule gives 185.
#   python tools/train.py configs/variants/epoch_identities.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
train_dataloader = dict(batch_sampler=dict(epoch_rule='identities'))
