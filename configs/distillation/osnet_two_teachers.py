# The package's OSNet x0.25, trained for 24 epochs more with two teachers: itself and torchreid's
# OSNet x0.25 for Market-1501, whose file the variable OSNET_MARKET1501_WEIGHTS names. OSNET_START
# names the checkpoint to start from; by default the weights in the package, with a new classifier.
#   reid-fusedloss train distillation/osnet_two_teachers --dataset market1501 --amp
# Ours: osnet_x0_25_distilled_market1501 in ../zoo/README.md.
_base_ = '../zoo/osnet_x0_25_market1501.py'
model = dict(
    type='reid_fusedloss.DistilledClassifier',
    teacher=[
        dict(checkpoint='reid_fusedloss://osnet_x0_25_market1501'),
        dict(
            checkpoint='{{$OSNET_MARKET1501_WEIGHTS:osnet_x0_25_market1501.pth}}',
            config='published/torchreid_osnet_x0_25',
        ),
    ],
    head=dict(
        loss=dict(
            terms=dict(
                feature=dict(
                    type='reid_fusedloss.FeatureDistillation',
                    reads='bn',
                    teacher='embedding',
                    weight=30.0,
                    teacher_dims=1024,
                ),
                relation=dict(
                    type='reid_fusedloss.RelationDistillation',
                    reads='bn',
                    teacher='embedding',
                    weight=1000.0,
                    normalize=True,
                ),
            )
        )
    ),
)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = 24
train_cfg = dict(max_epochs=24, val_interval=8)
load_from = '{{$OSNET_START:reid_fusedloss://osnet_x0_25_market1501}}'
