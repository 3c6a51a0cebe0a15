# 60 epochs for any optimizer: cosine_12e.py at five times its length.
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=1, convert_to_iter_based=True
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=1,
        end=60,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=60, val_interval=20)
