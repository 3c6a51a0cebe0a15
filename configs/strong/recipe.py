# The strong recipe: the parts of rows 4 to 6 together. No AutoAugment, the triplet loss with a soft
# margin, GeM.
#   reid-fusedloss train strong/recipe --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './02_center_weight.py'
model = dict(
    neck=dict(_delete_=True, type='GeneralizedMeanPooling', p=3.0, p_trainable=True),
    head=dict(loss=dict(terms=dict(triplet=dict(margin=None)))),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'neck.p': dict(decay_mult=0.0)}))
train_dataloader = dict(dataset=dict(pipeline=dict(auto_augment=dict(prob=0.0))))
