# The strong recipe, row 4: without AutoAugment.
#   reid-fusedloss train strong/04_no_auto_augment --dataset market1501 \
#       --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './02_center_weight.py'
train_dataloader = dict(dataset=dict(pipeline=dict(auto_augment=dict(prob=0.0))))
