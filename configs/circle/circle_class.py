# Circle loss over classes: cross-entropy on a cosine classifier, with circle weights and FastReID's
# margin and scale. The headline's form, equal to fusedloss_r50.py.
#   python tools/train.py configs/circle/circle_class.py --dataset market1501
# Ours: not run.
_base_ = '../fusedloss_r50.py'
model = dict(
    head=dict(
        loss=dict(
            terms=dict(
                circle=dict(
                    form='class',
                    reads='cosines',
                    margin=0.35,
                    gamma=64,
                    label_smoothing=0.1)))))
