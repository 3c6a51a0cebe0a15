# Circle loss over all pairs of the batch at once, with the margin and scale of circle_anchor.py.
# Pairs have no label to smooth; the classifier is not trained.
#   python tools/train.py configs/circle/circle_batch.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(
    head=dict(
        loss=dict(
            terms=dict(
                circle=dict(form='batch', reads='bn', margin=0.25, gamma=128, label_smoothing=0.0)
            )
        )
    )
)
