# The strong recipe, row 8: the backbone is frozen in the first epoch.
#   reid-fusedloss train strong/08_frozen_start --dataset market1501 --budget cpu_market_24e
# Ours: not run.
_base_ = './07_circle.py'
default_hooks = dict(freeze=dict(type='reid_fusedloss.FreezeHook', parts=['backbone'], epochs=1))
