# The fused losses on DeiT-S/16: 384 channels; see vit_base.py. ImageNet weights are mmpretrain's,
# or a local file named by DEIT_WEIGHTS; they need ImageNet's mean and standard deviation.
#   python tools/train.py configs/backbones/deit_small.py --dataset market1501
# Ours: not run.
_base_ = './vit_base.py'
model = dict(
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
    backbone=dict(
        arch='deit-small',
        init_cfg=dict(
            checkpoint='{{$DEIT_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/deit/deit-small_pt-4xb256_in1k_20220218-9425b9bb.pth}}'  # noqa: E501
        ),
    ),
    head=dict(in_channels=384),
)
train_dataloader = dict(
    dataset=dict(pipeline=dict(erase=dict(fill_color=(103.53, 116.28, 123.675))))
)
