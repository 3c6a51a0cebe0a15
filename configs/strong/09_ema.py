# The strong recipe, row 9: test the exponential moving average of the weights.
#   reid-fusedloss train strong/09_ema --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './02_center_weight.py'
default_hooks = dict(ema=dict(type='EMAHook', momentum=1e-3, update_buffers=True))
