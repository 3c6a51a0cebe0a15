# The fused losses on ConvNeXt-T: 768 channels. The backbone pools before its last normalisation, so
# there is no neck; PCB's head needs the map: backbone.gap_before_final_norm=False. ImageNet weights
# are mmpretrain's, or a local file named by CONVNEXT_WEIGHTS. AdamW with a learning rate that is
# usual for such networks, not tuned here.
#   python tools/train.py configs/backbones/convnext_tiny.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='ConvNeXt',
        arch='tiny',
        drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$CONVNEXT_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/convnext/convnext-tiny_32xb128_in1k_20221207-998cf3e9.pth}}',  # noqa: E501
            prefix='backbone.',
        ),
    ),
    neck=None,
    head=dict(in_channels=768),
)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-4, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
