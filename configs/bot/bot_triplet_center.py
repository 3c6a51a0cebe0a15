# reid-strong-baseline with all its tricks: bot_triplet.py + 0.0005 x centre loss. The centres are
# updated as by that project's second optimizer, SGD(0.5).
#   python tools/train.py configs/bot/bot_triplet_center.py --dataset market1501
# Published: Market-1501 R1 94.5 / mAP 85.9. Ours: not run.
_base_ = './bot_triplet.py'
model = dict(head=dict(loss=dict(terms=dict(center=dict(weight=0.0005)))))
