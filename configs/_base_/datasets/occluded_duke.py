# Occluded-Duke: 702 / 519 identities, 15,618 / 2,210 / 17,661 images, 8 cameras.
_base_ = './reid.py'
dataset = dict(type='reid_fusedloss.OccludedDuke', data_root='{{$OCCLUDED_DUKE_ROOT:data/occluded_duke}}')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
