# The strong recipe, row 2: the centre loss at a tenth of its weight, as in reid-strong-baseline.
#   reid-fusedloss train strong/02_center_weight --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './01_base.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(weight=5e-4)))))
