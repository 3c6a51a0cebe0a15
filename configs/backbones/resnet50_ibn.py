# The fused losses on ResNet-50 with IBN-a (Pan et al., ECCV 2018). ImageNet weights are
# torchvision's, which lack only the normalisation layers of IBN; to use those of IBN-Net's authors,
# set RESNET50_IBN_WEIGHTS to their file (resnet50_ibn_a-d9d0bb7b.pth).
#   python tools/train.py configs/backbones/resnet50_ibn.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    backbone=dict(
        type='reid_fusedloss.ResNet',
        ibn=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='{{$RESNET50_IBN_WEIGHTS:torchvision://resnet50}}'
        ),
    )
)
