"""Evaluate features from a file."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

import torch

from ..evaluation import FeatureSet, ReIDMetric, load_features

RERANK = dict(k1=20, k2=6, lambda_value=0.3)


def samples(features: FeatureSet) -> Iterator[dict]:
    """The images as the metric gets them from a model."""
    index = 0
    for role in ('query', 'gallery'):
        rows, pids, camids = (
            getattr(features, name) for name in (role, f'{role}_pids', f'{role}_camids')
        )
        for number, (feature, pid) in enumerate(zip(rows, pids)):
            camid = None if camids is None else camids[number].item()
            yield dict(
                sample_idx=index,
                embedding=torch.from_numpy(feature),
                pid=pid.item(),
                camid=camid,
                is_query=role == 'query',
            )
            index += 1


def read_open_set(options: dict[str, Any] | None) -> dict[str, Any] | None:
    """The options as the metric takes them: one rate may stand alone."""
    rate = (options or {}).get('fpir')
    return dict(options, fpir=(rate,)) if isinstance(rate, (int, float)) else options


def run(args: argparse.Namespace) -> None:
    """Print the metrics as JSON."""
    metric = ReIDMetric(
        args.distance,
        args.ap,
        list_length=0,
        rerank=RERANK if args.rerank else None,
        query_expansion=args.query_expansion,
        tpr_at_fpr=args.tpr_at_fpr,
        single_shot=args.single_shot,
        open_set=read_open_set(args.open_set),
        backend=args.backend,
        device=args.device,
    )
    metric.process(None, list(samples(load_features(args.features))))
    print(json.dumps(metric.evaluate(len(metric.store)), indent=2))
