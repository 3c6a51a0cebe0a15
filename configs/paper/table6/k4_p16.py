# Table 6, 4x16, read as K x P: 4 images of each of 16 identities, 64 in all:
# the batch of the paper's text.
#   python tools/train.py configs/paper/table6/k4_p16.py --dataset market1501
# Paper, re-ranked: Market-1501 R1 95.7 / mAP 90.5, DukeMTMC-reID R1 91.6 / mAP 81.6. Ours: not run.
_base_ = '../table5/2_ours_rerank.py'
