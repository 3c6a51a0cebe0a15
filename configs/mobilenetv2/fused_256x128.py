# The fused loss on MobileNetV2 1.0 at 256x128, with the paper's schedule: for a GPU.
#   python tools/train.py configs/mobilenetv2/fused_256x128.py --dataset market1501
# For comparison: torchreid's MobileNetV2 1.0, trained with softmax only, Market-1501 R1 85.6 /
# mAP 67.3.
# Ours: not run.
_base_ = [
    '../_base_/datasets/{{$REID_DATASET:market1501}}.py',
    '../_base_/models/fused_mobilenetv2.py',
    '../_base_/schedules/paper_120e.py',
    '../_base_/default_runtime.py',
]
