# Table 5, Ours + Re-rank: the same weights, re-ranked in the test (tools/test.py).
#   python tools/train.py configs/paper/table5/2_ours_rerank.py --dataset market1501
# Paper, re-ranked: Market-1501 R1 95.7 / mAP 90.5, DukeMTMC-reID R1 91.6 / mAP 81.6. Ours: not run.
_base_ = './1_ours.py'
test_evaluator = dict(rerank=dict(_delete_=True, k1=20, k2=6, lambda_value=0.3))
