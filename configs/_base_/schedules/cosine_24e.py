# cosine_12e.py over 24 epochs.
_base_ = './cosine_12e.py'
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 24
train_cfg = dict(max_epochs=24)
