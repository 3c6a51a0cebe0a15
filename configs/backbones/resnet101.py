# The paper's main config on ResNet-101.
#   python tools/train.py configs/backbones/resnet101.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='torchvision://resnet101')))
