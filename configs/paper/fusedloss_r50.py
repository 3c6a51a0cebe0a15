# The paper's main config: ResNet-50, last stride 1, BNNeck, random erasing and AutoAugment,
# circle + triplet + 0.005 x centre, 256x128, PK 16x4, 120 epochs. Tables 2 to 4 build it up: table
# 2 starts with everything switched off, the last row of table 4 equals this file.
#   tools/dist_train.sh configs/paper/fusedloss_r50.py 4 --dataset market1501
# Paper: Market-1501 R1 95.2 / mAP 86.1, DukeMTMC-reID R1 89.6 / mAP 79.8; re-ranked R1 95.7 /
# mAP 90.5 and R1 91.6 / mAP 81.6. Ours: not run.
_base_ = [
    '../_base_/datasets/{{$REID_DATASET:market1501}}.py',
    '../_base_/models/fused_r50.py',
    '../_base_/schedules/paper_120e.py',
    '../_base_/default_runtime.py',
]
