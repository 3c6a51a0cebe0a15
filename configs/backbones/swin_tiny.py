# The fused losses on Swin-T: 768 channels, a map of 8x4. Its windows of 7x7 are larger: the map is
# padded (pad_small_map), or mmpretrain raises an error. ImageNet weights are mmpretrain's,
# or a local file named by SWIN_WEIGHTS. AdamW with a learning rate that is usual for such networks,
# not tuned here.
#   python tools/train.py configs/backbones/swin_tiny.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        arch='tiny',
        img_size=(256, 128),
        pad_small_map=True,
        drop_path_rate=0.2,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$SWIN_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/swin-transformer/swin_tiny_224_b16x64_300e_imagenet_20210616_090925-66df6be6.pth}}',  # noqa: E501
            prefix='backbone.',
        ),
    ),
    head=dict(in_channels=768),
)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-4, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys=dict(relative_position_bias_table=dict(decay_mult=0.0)),
    ),
)
