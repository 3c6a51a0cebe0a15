# Vehicle-Re-ID-Dataset: 507 / 60 vehicles, 1,014 / 120 images, 2 cameras with one image each.
# It needs no class of its own: folders and a pattern are enough. The test folder is both query and
# gallery; a query's own image is junk, like all images of its identity and camera.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        type='reid_fusedloss.ReIDDataset',
        data_root='{{$VEHICLE_REID_ROOT:data/vehicle-reid}}',
        pattern=r'(?P<pid>[a-z]+_\d+)_cam(?P<camid>\d+)',
        sources=dict(train='images/train', query='images/test', gallery='images/test'),
    )
)
