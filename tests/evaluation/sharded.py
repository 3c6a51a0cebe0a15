"""Evaluate given samples on several real processes; started by test_sharded_metric."""

import json
from pathlib import Path

import numpy as np
import torch

from reid_fusedloss.evaluation import ReIDMetric

OPTIONS = dict(
    rerank=dict(k1=8, k2=3),
    tpr_at_fpr=(1e-2,),
    single_shot=dict(trials=3),
    query_expansion=dict(k=3),
)


def make_samples(num: int = 90, width: int = 8) -> list[dict]:
    rng = np.random.default_rng(0)
    return [
        dict(
            sample_idx=i,
            embedding=torch.from_numpy(rng.normal(size=width).astype(np.float32)),
            pid=int(rng.integers(6)),
            camid=int(rng.integers(3)),
            is_query=i < 15,
            img_path=f'{i}.jpg',
        )
        for i in range(num)
    ]


def share(samples: list[dict], rank: int, world: int, how: str) -> list[dict]:
    """What a sampler gives one process."""
    if how == 'shuffled':
        samples = [samples[i] for i in np.random.default_rng(1).permutation(len(samples))]
    if how == 'one process has none':
        return [] if rank == world - 1 and world > 1 else samples[rank :: max(world - 1, 1)]
    padded = samples + samples[: -len(samples) % world]
    own = padded[rank::world]
    return own + own[:5] if how == 'padded' else own


def evaluate(how: str, batch: int, rank: int, world: int) -> dict:
    metric = ReIDMetric(**OPTIONS)
    own = share(make_samples(), rank, world, how)
    for start in range(0, len(own), batch):
        metric.process(None, own[start : start + batch])
    return metric.evaluate(90)


def run_rank(rank: int, world: int, folder: Path) -> None:
    scores = {
        f'{how}, {batch}': evaluate(how, batch, rank, world)
        for how in ('in order', 'shuffled', 'padded', 'one process has none')
        for batch in (1, 7, 100)
    }
    failing = ReIDMetric()
    failing.process(None, [dict(sample, is_query=False) for sample in make_samples()[rank::world]])
    try:
        failing.evaluate(90)
        scores['failed'] = 'no'
    except (ValueError, RuntimeError) as error:
        scores['failed'] = f'{type(error).__name__}: {error}'
    uneven = ReIDMetric()
    uneven.process(None, make_samples(width=8 + rank))
    try:
        uneven.evaluate(90)
        scores['uneven'] = 'no'
    except ValueError as error:
        scores['uneven'] = str(error)
    mixed = ReIDMetric()
    mixed.process(
        None,
        [
            dict(sample, pid=str(sample['pid']) if rank else sample['pid'])
            for sample in make_samples()[rank::world]
        ],
    )
    try:
        mixed.evaluate(90)
        scores['mixed'] = 'no'
    except ValueError as error:
        scores['mixed'] = str(error)
    (folder / f'{rank}.json').write_text(json.dumps(scores))
