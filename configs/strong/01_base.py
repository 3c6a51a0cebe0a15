# The strong recipe, row 1: L_id + L_triplet + L_center of the paper, on which the rows build.
#   reid-fusedloss train strong/01_base --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = '../paper/table3/4_id_triplet_center.py'
