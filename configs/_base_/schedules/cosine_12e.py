# 12 epochs for any optimizer: one of warm-up by iterations, then half a cosine down to a hundredth.
# With the paper's step schedule, two thirds of the epochs would have at most a tenth of the rate.
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=1, convert_to_iter_based=True
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=1,
        end=12,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=12, val_interval=12)
