# Section 2.1 of the paper: Adam with beta1 = beta2 = 0.9, 3.5e-5 rising to 3.5e-4 over 10 epochs,
# a tenth of it from epoch 40 and again from epoch 70 on, 120 epochs.
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='Adam', lr=3.5e-4, betas=(0.9, 0.9), weight_decay=5e-4)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=10),
    dict(type='MultiStepLR', milestones=[40, 70], gamma=0.1, by_epoch=True),
]
train_cfg = dict(
    type='reid_fusedloss.ReIDTrainLoop', max_epochs=120, val_interval=10, split_batch=True
)
val_cfg = dict()
test_cfg = dict()
