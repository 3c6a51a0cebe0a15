# Table 6, 6x8, read as K x P: 6 images of each of 8 identities, 48 in all.
#   python tools/train.py configs/paper/table6/k6_p8.py --dataset market1501
# Paper, re-ranked: Market-1501 R1 94.8 / mAP 89.1, DukeMTMC-reID R1 90.7 / mAP 79.6. Ours: not run.
_base_ = '../table5/2_ours_rerank.py'
train_dataloader = dict(batch_size=48, batch_sampler=dict(num_instances=6))
