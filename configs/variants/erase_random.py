# Erased pixels get random values, as section 1.1 of the paper says, instead of the mean colour.
#   python tools/train.py configs/variants/erase_random.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
train_dataloader = dict(dataset=dict(pipeline=dict(erase=dict(mode='rand'))))
