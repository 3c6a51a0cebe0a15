# The strong recipe, row 8: the backbone is frozen in the first epoch.
#   reid-fusedloss train strong/08_frozen_start --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './02_center_weight.py'
default_hooks = dict(freeze=dict(type='reid_fusedloss.FreezeHook', parts=['backbone'], epochs=1))
