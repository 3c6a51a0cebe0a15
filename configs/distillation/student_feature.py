# student_alone.py with features that follow those of the package's MobileNetV2 1.0 at 128x64.
#   python tools/train.py configs/distillation/student_feature.py --dataset market1501
# Ours: docs/distillation.md.
_base_ = './student_alone.py'
model = dict(
    type='reid_fusedloss.DistilledClassifier',
    teacher=dict(checkpoint='reid_fusedloss://mobilenetv2_market1501'),
    head=dict(
        loss=dict(
            terms=dict(
                feature=dict(
                    type='reid_fusedloss.FeatureDistillation',
                    reads='bn',
                    weight=30.0,
                    teacher_dims=1280,
                )
            )
        )
    ),
)
