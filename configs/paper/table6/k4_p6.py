# Table 6, 4x6, read as K x P: 4 images of each of 6 identities, 24 in all.
#   python tools/train.py configs/paper/table6/k4_p6.py --dataset market1501
# Paper, re-ranked: Market-1501 R1 93.8 / mAP 87.9, DukeMTMC-reID R1 89.7 / mAP 77.3. Ours: not run.
_base_ = '../table5/2_ours_rerank.py'
train_dataloader = dict(batch_size=24)
