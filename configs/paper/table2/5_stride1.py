# Table 2, +Stride=1: no downsampling in the last stage.
#   python tools/train.py configs/paper/table2/5_stride1.py --dataset market1501
# Paper: Market-1501 R1 88.3 / mAP 73.5, DukeMTMC-reID R1 81.3 / mAP 68.8. Ours: not run.
_base_ = './4_ls.py'
model = dict(backbone=dict(strides=(1, 2, 2, 1)))
