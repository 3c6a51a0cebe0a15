# Table 5, Ours: the last row of table 4, tested by distance only.
#   python tools/train.py configs/paper/table5/1_ours.py --dataset market1501
# Paper: Market-1501 R1 95.2 / mAP 86.1, DukeMTMC-reID R1 89.6 / mAP 79.8. Ours: not run.
_base_ = '../table4/4_circle_triplet_center.py'
test_evaluator = dict(rerank=None)
