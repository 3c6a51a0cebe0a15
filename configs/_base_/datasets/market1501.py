# Market-1501: 751 / 750 identities, 12,936 / 3,368 / 15,913 images, 6 cameras.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.Market1501', data_root='{{$MARKET1501_ROOT:data/market1501}}')
)
