# The fused losses on timm's EfficientNet-B0 (`pip install timm`) with mmpretrain's TIMMBackbone:
# 1,280 channels. model_name may be any timm model whose output is a map; set the head's in_channels
# to its number of channels. pretrained=True downloads timm's weights when a training starts, never
# for a test.
#   python tools/train.py configs/backbones/timm_efficientnet_b0.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    backbone=dict(
        _delete_=True, type='TIMMBackbone', model_name='efficientnet_b0', pretrained=True
    ),
    head=dict(in_channels=1280),
)
