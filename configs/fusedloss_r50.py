# The paper's headline: ResNet-50, last stride 1, BNNeck, random erasing and AutoAugment,
# circle + triplet + 0.005 x centre, 256x128, PK 16x4, 120 epochs.
#   tools/dist_train.sh configs/fusedloss_r50.py 4 --dataset market1501
# Paper (table 4): Market-1501 R1 95.2 / mAP 86.1, DukeMTMC-reID 89.6 / 79.8. Ours: not run.
_base_ = [
    './_base_/datasets/{{$REID_DATASET:market1501}}.py', './_base_/models/fused_r50.py',
    './_base_/schedules/paper_120e.py', './_base_/default_runtime.py'
]
