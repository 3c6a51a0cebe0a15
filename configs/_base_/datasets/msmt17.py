# MSMT17: 1,041 / 3,060 identities, 30,248 / 11,659 / 82,161 images, 15 cameras.
_base_ = './reid.py'
dataset = dict(type='reid_fusedloss.MSMT17', data_root='{{$MSMT17_ROOT:data/msmt17}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
