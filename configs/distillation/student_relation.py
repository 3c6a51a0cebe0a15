# student_alone.py with the distances and angles between images that the package's MobileNetV2 1.0
# at 128x64 finds.
#   python tools/train.py configs/distillation/student_relation.py --dataset market1501
# Ours: docs/distillation.md.
_base_ = './student_alone.py'
model = dict(
    type='reid_fusedloss.DistilledClassifier',
    teacher=dict(checkpoint='reid_fusedloss://mobilenetv2_market1501'),
    head=dict(
        loss=dict(
            terms=dict(
                relation=dict(
                    type='reid_fusedloss.RelationDistillation',
                    reads='bn',
                    weight=1000.0,
                    normalize=True,
                )
            )
        )
    ),
)
