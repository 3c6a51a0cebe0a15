# cpu_market.py at five times its length, 60 epochs: with --amp an hour a row on one CPU core.
#   --dataset market1501 --budget cpu_market_60e
_base_ = './cpu_market.py'
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 60
train_cfg = dict(max_epochs=60, val_interval=20)
