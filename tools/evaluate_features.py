#!/usr/bin/env python
"""Evaluate features from a file with the metric that tools/test.py uses.

    python tools/evaluate_features.py features.npz --rerank

The file holds query_f (Q, C), gallery_f (G, C), query_label, gallery_label and, where there are
cameras, query_cam and gallery_cam, as tools/test.py --save-features writes it.
"""
import argparse
import json
from collections.abc import Iterator

import torch
from mmengine.config import DictAction

from reid_fusedloss.evaluation import FeatureSet, ReIDMetric, load_features

RERANK = dict(k1=20, k2=6, lambda_value=0.3)


def samples(features: FeatureSet) -> Iterator[dict]:
    """The images as the metric gets them from a model."""
    index = 0
    for role in ('query', 'gallery'):
        rows, pids, camids = (getattr(features, name) for name in (
            role, f'{role}_pids', f'{role}_camids'))
        for number, (feature, pid) in enumerate(zip(rows, pids)):
            camid = None if camids is None else camids[number].item()
            yield dict(sample_idx=index, embedding=torch.from_numpy(feature), pid=pid.item(),
                       camid=camid, is_query=role == 'query')
            index += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('features', help='.npz file')
    parser.add_argument('--distance', default='cosine', choices=['cosine', 'euclidean'])
    parser.add_argument('--ap', default='ir', choices=['ir', 'trapezoid'])
    parser.add_argument('--rerank', action='store_true', help='re-rank as well (20, 6, 0.3)')
    parser.add_argument('--tpr-at-fpr', nargs='+', type=float, default=(), metavar='FPR',
                        help='such as 1e-4 1e-3 1e-2')
    parser.add_argument('--single-shot', nargs='*', action=DictAction, metavar='KEY=VALUE',
                        help='single-gallery-shot CMC as well; trials=10 seed=0')
    parser.add_argument('--query-expansion', nargs='*', action=DictAction, metavar='KEY=VALUE',
                        help='expand first; k=5 alpha=3 times=1 expand_gallery=True')
    parser.add_argument('--backend', default='auto', choices=['auto', 'numpy', 'torch'])
    parser.add_argument('--device', default='cpu', help='where distances are computed')
    args = parser.parse_args()
    metric = ReIDMetric(args.distance, args.ap, list_length=0,
                        rerank=RERANK if args.rerank else None,
                        query_expansion=args.query_expansion, tpr_at_fpr=args.tpr_at_fpr,
                        single_shot=args.single_shot, backend=args.backend, device=args.device)
    metric.process(None, list(samples(load_features(args.features))))
    print(json.dumps(metric.evaluate(len(metric.store)), indent=2))


if __name__ == '__main__':
    main()
