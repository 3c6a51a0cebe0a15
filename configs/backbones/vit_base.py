# The fused losses on ViT-B/16: 768 channels, 16x8 patches, with TransReID's optimizer and schedule.
# The backbone outputs its class token (out_type='cls_token', the default), so there is nothing to
# pool and no neck. img_size is (height, width) of the images; position embeddings are resized to it
# when weights are loaded. Weights (ImageNet-21k, then ImageNet) are mmpretrain's, or a local file
# named by VIT_WEIGHTS; they need mean and standard deviation 127.5.
#   python tools/train.py configs/backbones/vit_base.py --dataset market1501
# Ours: not run.
_base_ = [
    '../_base_/datasets/{{$REID_DATASET:market1501}}.py',
    '../_base_/models/fused_r50.py',
    '../_base_/schedules/transreid_120e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(
        _delete_=True,
        type='VisionTransformer',
        arch='base',
        img_size=(256, 128),
        patch_size=16,
        drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$VIT_WEIGHTS:https://download.openmmlab.com/mmclassification/v0/vit/finetune/vit-base-p16_in21k-pre-3rdparty_ft-64xb64_in1k-384_20210928-98e8652b.pth}}',  # noqa: E501
            prefix='backbone.',
        ),
    ),
    neck=None,
    head=dict(in_channels=768),
)
train_dataloader = dict(dataset=dict(pipeline=dict(erase=dict(fill_color=(127.5, 127.5, 127.5)))))
