# Occluded-Duke: 702 / 519 identities, 15,618 / 2,210 / 17,661 images, 8 cameras.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        type='reid_fusedloss.OccludedDuke', data_root='{{$OCCLUDED_DUKE_ROOT:data/occluded_duke}}'
    )
)
