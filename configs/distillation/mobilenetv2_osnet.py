# The package's MobileNetV2 at 128x64, taught by its OSNet x0.25 at 256x128, 60 epochs from ImageNet
# weights, which the variable MOBILENETV2_WEIGHTS names.
#   reid-fusedloss train distillation/mobilenetv2_osnet --dataset market1501 --amp
# Ours: mobilenetv2_market1501 in ../zoo/README.md.
_base_ = '../zoo/mobilenetv2_market1501.py'
model = dict(
    type='reid_fusedloss.DistilledClassifier',
    teacher=dict(checkpoint='reid_fusedloss://osnet_x0_25_distilled_market1501'),
    head=dict(
        loss=dict(
            terms=dict(
                feature=dict(
                    type='reid_fusedloss.FeatureDistillation',
                    reads='bn',
                    weight=30.0,
                    teacher_dims=512,
                ),
                relation=dict(
                    type='reid_fusedloss.RelationDistillation',
                    reads='bn',
                    weight=1000.0,
                    normalize=True,
                ),
            )
        )
    ),
)
