# Nyala antelopes (wildlife_reidentification, the folder Nyala_Data_Zero): 179 / 58 animals, 1,213 /
# 729 photos. No class of its own: an animal is a folder. There are no cameras; the number that a
# name begins with, an encounter of two flanks, stands for one: an animal must be found again in
# another encounter. The test folder is query and gallery.
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(
        type='reid_fusedloss.ReIDDataset',
        data_root='{{$NYALA_ROOT:data/nyala}}',
        labels=dict(type='folder', pattern=r'(?P<camid>\d+)_'),
        sources=dict(train='train', query='test', gallery='test'),
    )
)
