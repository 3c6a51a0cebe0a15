# The strong recipe, row 7: the circle loss beside the identity loss.
#   reid-fusedloss train strong/07_circle --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './02_center_weight.py'
model = dict(head=dict(loss=dict(terms=dict(circle=dict(weight=1.0)))))
