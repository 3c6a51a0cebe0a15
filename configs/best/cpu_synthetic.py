# L_id + L_center: the best of the rows of tables 2 to 4 by mAP within the budget cpu_synthetic.
#   python tools/train.py configs/best/cpu_synthetic.py --dataset synthetic --budget cpu_synthetic
# Ours: docs/results.md. In 36 epochs, where the fused losses pass L_id, this row was not run.
_base_ = '../paper/table3/2_id_center.py'
