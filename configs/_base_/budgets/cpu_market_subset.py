# cpu_market on a part of the data set: 96 training identities (1,657 images of Market-1501) and 200
# test identities without distractors (906 queries, 3,971 gallery images). Its figures are not
# comparable with those of other budgets.
#   --dataset market1501 --budget cpu_market_subset
_base_ = './cpu_market.py'
train_dataloader = dict(dataset=dict(max_ids=96))
val_dataloader = dict(dataset=dict(max_ids=200))
test_dataloader = val_dataloader
default_hooks = dict(logger=dict(interval=8))
