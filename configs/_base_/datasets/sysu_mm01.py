# SYSU-MM01, infrared queries, visible gallery: 395 / 96 identities, 34,167 / 3,803 / 6,775 images,
# 6 cameras. Indoor search: type='reid_fusedloss.SYSUMM01Indoor' (gallery of cameras 1 and 2).
_base_ = './reid.py'
train_dataloader = val_dataloader = test_dataloader = dict(
    dataset=dict(type='reid_fusedloss.SYSUMM01', data_root='{{$SYSU_MM01_ROOT:data/SYSU-MM01}}')
)
