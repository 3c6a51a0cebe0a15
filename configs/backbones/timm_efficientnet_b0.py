# The fused losses on EfficientNet-B0 of timm (`pip install timm`), by mmpretrain's TIMMBackbone:
# 1,280 channels. model_name may be any model of timm whose output is a map, with its number of
# channels in the head. pretrained=True fetches timm's weights when a training starts; a test never
# does.
#   python tools/train.py configs/backbones/timm_efficientnet_b0.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    backbone=dict(
        _delete_=True, type='TIMMBackbone', model_name='efficientnet_b0', pretrained=True
    ),
    head=dict(in_channels=1280),
)
