# Any row of tables 2 to 5 on vehicles: cpu_market with square images and K = 2, since each vehicle
# has two images. Table 6, which varies P and K, does not apply.
#   --dataset vehicle_reid --budget cpu_vehicles
_base_ = './cpu_market.py'
train_dataloader = dict(
    batch_size=32,
    batch_sampler=dict(num_instances=2),
    dataset=dict(
        pipeline=dict(resize=dict(scale=(128, 128)), crop=dict(crop_size=(128, 128), padding=8))
    ),
)
val_dataloader = dict(dataset=dict(pipeline=dict(resize=dict(scale=(128, 128)))))
test_dataloader = val_dataloader
default_hooks = dict(logger=dict(interval=10))
