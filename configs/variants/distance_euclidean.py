# Ranking by Euclidean distance in place of cosine distance.
#   python tools/train.py configs/variants/distance_euclidean.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
val_evaluator = dict(distance='euclidean')
test_evaluator = dict(distance='euclidean')
