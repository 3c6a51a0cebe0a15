# The paper's schedule in a fifth of its epochs, for any optimizer; the warm-up goes by iterations.
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.1,
        by_epoch=True,
        begin=0,
        end=2,
        convert_to_iter_based=True),
    dict(type='MultiStepLR', milestones=[8, 14], gamma=0.1, by_epoch=True)
]
train_cfg = dict(max_epochs=24, val_interval=8)
