# MSMT17, trained on the training and validation lists: 1,041 identities, 32,621 images.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.MSMT17TrainVal', data_root='{{$MSMT17_ROOT:data/msmt17}}')
)
