# The strong recipe, row 3: Adam's usual beta2 of 0.999 in place of the paper's 0.9.
#   reid-fusedloss train strong/03_adam --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './02_center_weight.py'
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.999)))
