# Built-in synthetic pedestrians, drawn into the folder on first use.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        type='reid_fusedloss.SyntheticReID', data_root='{{$SYNTHETIC_ROOT:data/synthetic}}'
    )
)
