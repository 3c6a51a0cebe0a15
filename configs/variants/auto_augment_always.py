# AutoAugment on every image, not on a tenth of them.
#   python tools/train.py configs/variants/auto_augment_always.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
train_dataloader = dict(dataset=dict(pipeline=dict(auto_augment=dict(prob=1.0))))
