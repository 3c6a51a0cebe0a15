# Weights of torchreid's resnet50_fc512: last stride 1, a linear layer of 512 channels with BN and
# ReLU after the pooling; otherwise torchreid_resnet50.py.
#   python tools/test.py configs/published/torchreid_resnet50_fc512.py FILE.pth --dataset market1501
# Published: Market-1501 R1 90.8 / mAP 75.3, DukeMTMC-reID R1 81.0 / mAP 64.0. Ours: not run.
_base_ = './torchreid_resnet50.py'
model = dict(
    backbone=dict(strides=(1, 2, 2, 1)),
    neck=dict(
        _delete_=True,
        type='LinearNeck',
        in_channels=2048,
        out_channels=512,
        gap_dim=2,
        act_cfg=dict(type='ReLU'),
    ),
    head=dict(in_channels=512),
)
