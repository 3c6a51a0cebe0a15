# Table 2, +Auto: AutoAugment with the ImageNet policies.
#   python tools/train.py configs/paper/table2/3_auto.py --dataset market1501
# Paper: Market-1501 R1 87.3 / mAP 72.3, DukeMTMC-reID R1 79.7 / mAP 66.2. Ours: not run.
_base_ = './2_re.py'
train_dataloader = dict(dataset=dict(pipeline=dict(auto_augment=dict(prob=0.1))))
