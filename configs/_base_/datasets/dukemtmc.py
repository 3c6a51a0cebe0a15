# DukeMTMC-reID: 702 / 702 identities, 16,522 / 2,228 / 17,661 images, 8 cameras. Withdrawn by its authors.
_base_ = './reid.py'
dataset = dict(type='reid_fusedloss.DukeMTMCreID', data_root='{{$DUKEMTMC_ROOT:data/dukemtmc}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
