# TransReID's schedule for a plain ViT: SGD at 0.008, biases (except those of norms) at twice the
# rate, 5 epochs of warm-up from a hundredth, then a cosine down to 1/500, 120 epochs.
_base_ = './paper_120e.py'
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='SGD', lr=0.008, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(bias_lr_mult=2.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=5),
    dict(type='CosineAnnealingLR', eta_min_ratio=0.002, by_epoch=True, begin=5, end=120),
]
