# Circle loss over classes: cross-entropy on a cosine classifier, with circle weights and FastReID's
# margin and scale (0.35, 64). This is the paper's main config, fusedloss_r50.py, unchanged.
#   python tools/train.py configs/circle/circle_class.py --dataset market1501
# Ours: not run.
_base_ = '../paper/fusedloss_r50.py'
