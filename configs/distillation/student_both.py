# student_feature.py and student_relation.py together.
#   python tools/train.py configs/distillation/student_both.py --dataset market1501
# Ours: docs/distillation.md.
_base_ = './student_feature.py'
model = dict(
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
    )
)
