# The fused losses on OSNet-AIN x1.0: instance normalisation where the authors' search put it, for
# other data sets than the one that it is trained on.
#   python tools/train.py configs/backbones/osnet_ain_x1_0.py --dataset market1501
# Ours: not run.
_base_ = './osnet_x1_0.py'
model = dict(backbone=dict(variant='ain'))
