# The strong recipe: the best row by mAP of all of Market-1501 within the budget cpu_market_24e.
#   python tools/train.py configs/best/cpu_market_24e.py --dataset market1501 \
#       --budget cpu_market_24e --amp
# Ours: ../strong/README.md.
_base_ = '../strong/recipe.py'
