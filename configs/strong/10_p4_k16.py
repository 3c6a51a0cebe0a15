# The strong recipe, row 10: batches of 4 identities with 16 images each, as in FastReID.
#   reid-fusedloss train strong/10_p4_k16 --dataset market1501 --budget cpu_market_24e --amp
# Ours: README.md beside this file.
_base_ = './02_center_weight.py'
train_dataloader = dict(batch_sampler=dict(num_instances=16))
