# Circle loss over pairs, per anchor (Sun et al., CVPR 2020, eq. 6), with that paper's margin and
# scale. Pairs have no label to smooth; the classifier is not trained.
#   python tools/train.py configs/circle/circle_anchor.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    head=dict(
        loss=dict(
            terms=dict(
                circle=dict(form='anchor', reads='bn', margin=0.25, gamma=128, label_smoothing=0.0)
            )
        )
    )
)
