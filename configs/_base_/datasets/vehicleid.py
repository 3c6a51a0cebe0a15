# VehicleID, small test: 13,164 / 800 vehicles, 113,346 / 6,493 images, no cameras. Medium and large
# test: type='reid_fusedloss.VehicleIDMedium' (1,600), 'reid_fusedloss.VehicleIDLarge' (2,400).
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.VehicleID', data_root='{{$VEHICLEID_ROOT:data/vehicleid}}')
)
