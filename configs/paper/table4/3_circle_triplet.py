# Table 4, L_circle + L_triplet.
#   python tools/train.py configs/paper/table4/3_circle_triplet.py --dataset market1501
# Paper: Market-1501 R1 92.6 / mAP 82.7, DukeMTMC-reID R1 87.6 / mAP 76.6. Ours: not run.
_base_ = './1_circle.py'
model = dict(head=dict(loss=dict(terms=dict(triplet=dict(weight=1.0)))))
