# Half of paper_120e.py: warm-up over 5 epochs, decays from epochs 20 and 35 on, 60 epochs.
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=5),
    dict(type='MultiStepLR', milestones=[20, 35], gamma=0.1, by_epoch=True),
]
train_cfg = dict(max_epochs=60, val_interval=60)
