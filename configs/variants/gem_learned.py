# Generalised-mean pooling (GeM) with a learned p that starts at 3, without weight decay, which
# would pull it to 0.
#   python tools/train.py configs/variants/gem_learned.py --dataset market1501
# Ours: not run.
_base_ = './gem_fixed.py'
model = dict(neck=dict(p_trainable=True))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'neck.p': dict(decay_mult=0.0)}))
