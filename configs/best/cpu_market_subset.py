# L_circle + L_triplet: the best row of tables 2 to 4 by mAP within the budget cpu_market_subset,
# also after re-ranking.
#   python tools/train.py configs/best/cpu_market_subset.py --dataset market1501 \
#       --budget cpu_market_subset
# Ours: docs/results.md.
_base_ = '../paper/table4/3_circle_triplet.py'
