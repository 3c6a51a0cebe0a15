# Table 4, L_circle + L_triplet + L_center: the paper's method, equal to fusedloss_r50.py.
#   python tools/train.py configs/paper/table4/4_circle_triplet_center.py --dataset market1501
# Paper: Market-1501 R1 95.2 / mAP 86.1, DukeMTMC-reID R1 89.6 / mAP 79.8. Ours: not run.
_base_ = './3_circle_triplet.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(weight=0.005)))))
