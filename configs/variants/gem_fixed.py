# Generalised-mean pooling (GeM) with p = 3 in place of the average.
#   python tools/train.py configs/variants/gem_fixed.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(neck=dict(type='GeneralizedMeanPooling', p=3.0, p_trainable=False))
