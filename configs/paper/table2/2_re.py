# Table 2, +RE: random erasing.
#   python tools/train.py configs/paper/table2/2_re.py --dataset market1501
# Paper: Market-1501 R1 86.7 / mAP 71.9, DukeMTMC-reID R1 79.2 / mAP 64.9. Ours: not run.
_base_ = './1_backbone.py'
train_dataloader = dict(dataset=dict(pipeline=dict(erase=dict(erase_prob=0.5))))
