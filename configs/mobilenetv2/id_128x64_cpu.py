# The baseline of fused_128x64_cpu.py: only the identity loss with label smoothing, otherwise equal.
# Ours: docs/results.md.
#   python tools/train.py configs/mobilenetv2/id_128x64_cpu.py --dataset market1501
_base_ = './fused_128x64_cpu.py'
model = dict(
    head=dict(
        loss=dict(
            terms=dict(
                id=dict(weight=1.0),
                circle=dict(weight=0.0),
                triplet=dict(weight=0.0),
                center=dict(weight=0.0),
            )
        )
    )
)
