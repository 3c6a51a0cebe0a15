# MobileNetV2 0.5 from scratch on Market-1501 at 128x64, 8 epochs: the student of the other configs
# in this folder, without a teacher. L_id + L_triplet + L_center.
#   python tools/train.py configs/distillation/student_alone.py --dataset market1501
# Ours: docs/distillation.md.
_base_ = '../zoo/mobilenetv2_market1501.py'
model = dict(backbone=dict(widen_factor=0.5, init_cfg=None))
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 8
train_cfg = dict(max_epochs=8, val_interval=8)
