# The fused losses on OSNet x0.25, 0.2 M parameters: osnet_x1_0.py at a quarter of its width.
#   python tools/train.py configs/backbones/osnet_x0_25.py --dataset market1501
# Ours: not run. torchreid's, trained with softmax only: Market-1501 R1 91.2 / mAP 75.0.
_base_ = './osnet_x1_0.py'
model = dict(backbone=dict(widen_factor=0.25), neck=dict(in_channels=128))
