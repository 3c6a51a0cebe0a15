# DukeMTMC-reID: 702 / 702 identities, 16,522 / 2,228 / 17,661 images, 8 cameras.
# Withdrawn by its authors.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.DukeMTMCreID', data_root='{{$DUKEMTMC_ROOT:data/dukemtmc}}')
)
