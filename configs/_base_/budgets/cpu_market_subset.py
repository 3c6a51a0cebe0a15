# cpu_market on a part: 96 identities to train on (1,657 images of Market-1501), 200 to test on,
# without distractors (906 queries, 3,971 gallery images). Compares with itself alone.
#   --dataset market1501 --budget cpu_market_subset
_base_ = './cpu_market.py'
train_dataloader = dict(dataset=dict(max_ids=96))
val_dataloader = dict(dataset=dict(max_ids=200))
test_dataloader = val_dataloader
default_hooks = dict(logger=dict(interval=8))
