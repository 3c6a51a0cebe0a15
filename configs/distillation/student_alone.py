# OSNet x0.25 on Market-1501 at 128x64, 8 epochs from torchreid's MSMT17 weights, which the variable
# OSNET_MSMT17_WEIGHTS names: the student of the other configs in this folder, without a teacher.
# L_id + L_triplet + L_center.
#   python tools/train.py configs/distillation/student_alone.py --dataset market1501
# Ours: docs/distillation.md.
_base_ = '../zoo/osnet_x0_25_market1501.py'
train_dataloader = dict(
    dataset=dict(
        pipeline=dict(resize=dict(scale=(64, 128)), crop=dict(crop_size=(128, 64), padding=5))
    )
)
val_dataloader = dict(dataset=dict(pipeline=dict(resize=dict(scale=(64, 128)))))
test_dataloader = val_dataloader
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 8
train_cfg = dict(max_epochs=8, val_interval=8)
