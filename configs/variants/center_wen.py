# Centres are updated by Wen et al.'s rule (ECCV 2016, eq. 4): the step is divided by 1 + the number
# of the identity's samples.
#   python tools/train.py configs/variants/center_wen.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(update='wen')))))
