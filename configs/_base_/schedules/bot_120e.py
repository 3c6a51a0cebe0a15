# reid-strong-baseline's optimizer and schedule: Adam with its default betas. Its code steps the
# schedule before an epoch: the first epoch has 3.815e-5, the tenth 3.5e-4, and the rate decays in
# the 40th and the 70th epoch, counted from 1.
_base_ = './paper_120e.py'
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.999)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.109, by_epoch=True, begin=0, end=10),
    dict(type='MultiStepLR', milestones=[39, 69], gamma=0.1, by_epoch=True),
]
