# The fused loss on OSNet x1.0. The neck is torchreid's: pooling, and a layer of 512 channels with
# BN and ReLU. Its features share a mean, along which the circle loss would push all classes at
# once: so a BNNeck follows, and metric terms use the feature before it. torchreid's own head, a
# linear classifier on the feature, is in published/torchreid_osnet_x1_0.py. ImageNet weights: a
# local file named by OSNET_WEIGHTS, from torchreid's model zoo, downloaded in a browser.
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
    head=dict(in_channels=512),
)
