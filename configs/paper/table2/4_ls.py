# Table 2, +LS: label smoothing.
#   python tools/train.py configs/paper/table2/4_ls.py --dataset market1501
# Paper: Market-1501 R1 87.5 / mAP 72.6, DukeMTMC-reID R1 80.6 / mAP 67.5. Ours: not run.
_base_ = './3_auto.py'
model = dict(head=dict(loss=dict(terms=dict(id=dict(label_smoothing=0.1)))))
