# The fused losses on OSNet-AIN x1.0: instance normalisation at places found by architecture search,
# to generalise to other data sets.
#   python tools/train.py configs/backbones/osnet_ain_x1_0.py --dataset market1501
# Ours: not run.
_base_ = './osnet_x1_0.py'
model = dict(backbone=dict(variant='ain'))
