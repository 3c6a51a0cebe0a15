# The strong recipe, row 5: the triplet loss with a soft margin.
#   reid-fusedloss train strong/05_soft_margin --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './02_center_weight.py'
model = dict(head=dict(loss=dict(terms=dict(triplet=dict(margin=None)))))
