# cpu_market.py at twice its length, 24 epochs.
#   --dataset market1501 --budget cpu_market_24e
_base_ = './cpu_market.py'
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 24
train_cfg = dict(max_epochs=24)
