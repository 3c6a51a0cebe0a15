# CUHK03, new protocol, detected boxes: 767 / 700 identities, 7,365 / 1,400 / 5,332 images.
_base_ = './reid.py'
dataset = dict(type='reid_fusedloss.CUHK03', data_root='{{$CUHK03_ROOT:data/cuhk03}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
