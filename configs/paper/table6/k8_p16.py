# Table 6, 8x16, read as K x P: 8 images of each of 16 identities, 128 in all.
#   python tools/train.py configs/paper/table6/k8_p16.py --dataset market1501
# Paper, re-ranked: Market-1501 R1 95.5 / mAP 90.4, DukeMTMC-reID R1 91.5 / mAP 81.2. Ours: not run.
_base_ = '../table5/2_ours_rerank.py'
train_dataloader = dict(batch_size=128, batch_sampler=dict(num_instances=8))
