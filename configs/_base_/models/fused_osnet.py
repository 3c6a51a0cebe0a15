# The fused loss on OSNet x1.0. Neck and head are torchreid's: pooling, a layer of 512 channels with
# BN and ReLU, whose output the losses and the test use, and a classifier. ImageNet weights: a local
# file named by OSNET_WEIGHTS, from torchreid's model zoo, which must be downloaded in a browser.
_base_ = './fused_r50.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='reid_fusedloss.OSNet',
        widen_factor=1.0,
        init_cfg=dict(type='Pretrained', checkpoint='{{$OSNET_WEIGHTS:OSNET_WEIGHTS.pth}}'),
    ),
    neck=dict(
        _delete_=True,
        type='LinearNeck',
        in_channels=512,
        out_channels=512,
        gap_dim=2,
        norm_cfg=dict(type='BN1d'),
        act_cfg=dict(type='ReLU'),
    ),
    head=dict(type='reid_fusedloss.LinearReIDHead', in_channels=512),
)
