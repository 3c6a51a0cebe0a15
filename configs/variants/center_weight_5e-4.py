# reid-strong-baseline's weight of the centre loss, a tenth of the paper's.
#   python tools/train.py configs/variants/center_weight_5e-4.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(weight=0.0005)))))
