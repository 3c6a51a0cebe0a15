# Table 3, L_id + L_triplet + L_center.
#   python tools/train.py configs/paper/table3/4_id_triplet_center.py --dataset market1501
# Paper: Market-1501 R1 93.3 / mAP 84.0, DukeMTMC-reID R1 88.3 / mAP 77.9. Ours: not run.
_base_ = './3_id_triplet.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(weight=0.005)))))
