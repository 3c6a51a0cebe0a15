# Built-in pedestrians, drawn into the folder at first use.
_base_ = './reid.py'
dataset = dict(type='reid_fusedloss.SyntheticReID', data_root='{{$SYNTHETIC_ROOT:data/synthetic}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
