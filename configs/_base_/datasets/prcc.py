# PRCC, queries in other clothes: 150 / 71 identities, 17,896 / 3,873 / 3,384 images, 3 cameras.
# Queries in the same clothes: type='reid_fusedloss.PRCCSameClothes' (3,543 images).
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.PRCC', data_root='{{$PRCC_ROOT:data/prcc}}')
)
