# LTCC, people who change their clothes: 77 / 75 identities, 9,576 / 493 / 7,050 images, 12 cameras.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.LTCC', data_root='{{$LTCC_ROOT:data/LTCC_ReID}}')
)
