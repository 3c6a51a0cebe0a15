# L_id + L_center: the best row of tables 2 to 4 by mAP within the budget cpu_synthetic.
#   python tools/train.py configs/best/cpu_synthetic.py --dataset synthetic --budget cpu_synthetic
# Ours: docs/results.md. It was not run for 36 epochs, after which the fused losses are better than
# L_id.
_base_ = '../paper/table3/2_id_center.py'
