# Table 3, L_id: the baseline, the last row of table 2.
#   python tools/train.py configs/paper/table3/1_id.py --dataset market1501
# Paper: Market-1501 R1 90.1 / mAP 76.2, DukeMTMC-reID R1 85.1 / mAP 74.0. Ours: not run.
_base_ = '../table2/6_bn.py'
