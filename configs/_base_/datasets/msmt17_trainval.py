# MSMT17, trained on train and validation lists: 1,041 identities, 32,621 images.
_base_ = './reid.py'
dataset = dict(type='reid_fusedloss.MSMT17TrainVal', data_root='{{$MSMT17_ROOT:data/msmt17}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
