# Table 4, L_circle: the circle loss in place of the identity loss.
#   python tools/train.py configs/paper/table4/1_circle.py --dataset market1501
# Paper: Market-1501 R1 90.8 / mAP 77.1, DukeMTMC-reID R1 86.0 / mAP 75.1. Ours: not run.
_base_ = '../table3/1_id.py'
model = dict(head=dict(loss=dict(terms=dict(id=dict(weight=0.0), circle=dict(weight=1.0)))))
