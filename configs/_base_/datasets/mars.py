# MARS: 625 / 626 identities, 8,298 / 1,980 / 9,330 tracklets of 509,914 / 114,493 / 543,216 images,
# 6 cameras. A record is an image; its `track` says which images are one tracklet.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.MARS', data_root='{{$MARS_ROOT:data/mars}}')
)
