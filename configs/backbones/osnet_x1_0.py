# The fused losses on OSNet x1.0, 2.2 M parameters, with the paper's schedule. The variable
# OSNET_WEIGHTS names the file of its ImageNet weights, from torchreid's model zoo;
# `--cfg-options model.backbone.init_cfg=None` starts from random weights.
#   python tools/train.py configs/backbones/osnet_x1_0.py --dataset market1501
# Ours: not run. torchreid's, trained with softmax only: Market-1501 R1 94.2 / mAP 82.6.
_base_ = [
    '../_base_/datasets/{{$REID_DATASET:market1501}}.py',
    '../_base_/models/fused_osnet.py',
    '../_base_/schedules/paper_120e.py',
    '../_base_/default_runtime.py',
]
