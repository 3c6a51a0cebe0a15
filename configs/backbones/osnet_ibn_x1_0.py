# The fused losses on OSNet-IBN x1.0: instance normalisation in early layers, to generalise to other
# data sets.
#   python tools/train.py configs/backbones/osnet_ibn_x1_0.py --dataset market1501
# Ours: not run.
_base_ = './osnet_x1_0.py'
model = dict(backbone=dict(variant='ibn'))
