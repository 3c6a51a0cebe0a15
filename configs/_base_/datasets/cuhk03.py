# CUHK03, new protocol, detected boxes: 767 / 700 identities, 7,365 / 1,400 / 5,332 images.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.CUHK03', data_root='{{$CUHK03_ROOT:data/cuhk03}}')
)
