# Table 4, L_circle + L_center.
#   python tools/train.py configs/paper/table4/2_circle_center.py --dataset market1501
# Paper: Market-1501 R1 92.2 / mAP 81.7, DukeMTMC-reID R1 87.4 / mAP 76.5. Ours: not run.
_base_ = './1_circle.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(weight=0.005)))))
