# The strong recipe, row 6: generalised-mean pooling (GeM) with a learned p, without weight decay.
#   reid-fusedloss train strong/06_gem --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './02_center_weight.py'
model = dict(neck=dict(_delete_=True, type='GeneralizedMeanPooling', p=3.0, p_trainable=True))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'neck.p': dict(decay_mult=0.0)}))
