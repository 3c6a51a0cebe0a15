# Table 6, 4x8, read as K x P: 4 images of each of 8 identities, 32 in all.
#   python tools/train.py configs/paper/table6/k4_p8.py --dataset market1501
# Paper, re-ranked: Market-1501 R1 94.5 / mAP 88.3, DukeMTMC-reID R1 90.4 / mAP 78.8. Ours: not run.
_base_ = '../table5/2_ours_rerank.py'
train_dataloader = dict(batch_size=32)
