# The strong recipe, row 7: the circle loss beside the identity loss.
#   reid-fusedloss train strong/07_circle --dataset market1501 --budget cpu_market_24e
# Ours: not run.
_base_ = './06_gem.py'
model = dict(head=dict(loss=dict(terms=dict(circle=dict(weight=1.0)))))
