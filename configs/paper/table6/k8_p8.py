# Table 6, 8x8, read as K x P: 8 images of each of 8 identities, 64 in all.
#   python tools/train.py configs/paper/table6/k8_p8.py --dataset market1501
# Paper, re-ranked: Market-1501 R1 95.2 / mAP 89.6, DukeMTMC-reID R1 91.0 / mAP 80.7. Ours: not run.
_base_ = '../table5/2_ours_rerank.py'
train_dataloader = dict(batch_sampler=dict(num_instances=8))
