# Table 3, L_id + L_triplet.
#   python tools/train.py configs/paper/table3/3_id_triplet.py --dataset market1501
# Paper: Market-1501 R1 91.3 / mAP 81.2, DukeMTMC-reID R1 86.3 / mAP 76.1. Ours: not run.
_base_ = './1_id.py'
model = dict(head=dict(loss=dict(terms=dict(triplet=dict(weight=1.0)))))
