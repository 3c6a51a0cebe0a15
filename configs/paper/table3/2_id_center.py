# Table 3, L_id + L_center.
#   python tools/train.py configs/paper/table3/2_id_center.py --dataset market1501
# Paper: Market-1501 R1 90.5 / mAP 79.5, DukeMTMC-reID R1 85.8 / mAP 75.2. Ours: not run.
_base_ = './1_id.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(weight=0.005)))))
