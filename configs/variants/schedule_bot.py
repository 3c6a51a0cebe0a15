# The learning rates of reid-strong-baseline's code: decays one epoch earlier than in the paper's
# text, the first epoch at 3.815e-5.
#   python tools/train.py configs/variants/schedule_bot.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=0.109, by_epoch=True, begin=0, end=10),
    dict(type='MultiStepLR', milestones=[39, 69], gamma=0.1, by_epoch=True),
]
