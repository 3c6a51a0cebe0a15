# MSMT17: 1,041 / 3,060 identities, 30,248 / 11,659 / 82,161 images, 15 cameras.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.MSMT17', data_root='{{$MSMT17_ROOT:data/msmt17}}')
)
