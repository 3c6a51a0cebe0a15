# VeRi-776 vehicles: 576 / 200 identities, 37,778 / 1,678 / 11,579 images, 20 cameras.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.VeRi776', data_root='{{$VERI776_ROOT:data/veri776}}')
)
