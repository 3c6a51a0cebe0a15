# The strong recipe, row 6: generalised-mean pooling (GeM) with a learned p, without weight decay.
#   reid-fusedloss train strong/06_gem --dataset market1501 --budget cpu_market_24e
# Ours: not run.
_base_ = './05_soft_margin.py'
model = dict(neck=dict(_delete_=True, type='GeneralizedMeanPooling', p=3.0, p_trainable=True))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'neck.p': dict(decay_mult=0.0)}))
