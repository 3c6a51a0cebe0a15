# Table 6, 6x16, read as K x P: 6 images of each of 16 identities, 96 in all.
#   python tools/train.py configs/paper/table6/k6_p16.py --dataset market1501
# Paper, re-ranked: Market-1501 R1 95.3 / mAP 90.2, DukeMTMC-reID R1 90.3 / mAP 80.9. Ours: not run.
_base_ = '../table5/2_ours_rerank.py'
train_dataloader = dict(batch_size=96, batch_sampler=dict(num_instances=6))
