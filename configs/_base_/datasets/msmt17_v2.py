# MSMT17_V2, masked faces: 1,041 / 3,060 identities, 30,248 / 11,659 / 82,161 images, 15 cameras.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.MSMT17V2', data_root='{{$MSMT17_V2_ROOT:data/MSMT17_V2}}')
)
