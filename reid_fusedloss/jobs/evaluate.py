"""Evaluate features from a file."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ..apis.feature_files import read_extraction
from ..apis.tracks import crop_tracks
from ..evaluation import FeatureSet, ReIDMetric, load_features
from ..evaluation.embeddings import LABEL_KEYS
from ..functional import reassociation

RERANK = dict(k1=20, k2=6, lambda_value=0.3)
LISTS = ('fpir', 'gallery_sizes', 'cameras')  # options of which one value may stand alone


def samples(features: FeatureSet) -> Iterator[dict[str, Any]]:
    """The images as the metric gets them from a model."""
    index = 0
    for role in ('query', 'gallery'):
        rows, pids, camids, labels = (
            getattr(features, name)
            for name in (role, f'{role}_pids', f'{role}_camids', f'{role}_labels')
        )
        for number, (feature, pid) in enumerate(zip(rows, pids)):
            camid = None if camids is None else camids[number].item()
            image = f'image {labels["image"][number]}' if 'image' in labels else ''
            yield dict(
                sample_idx=index,
                embedding=torch.from_numpy(feature),
                pid=pid.item(),
                camid=camid,
                is_query=role == 'query',
                img_path=image,
                **{key: labels[key][number].item() for key in LABEL_KEYS if key in labels},
            )
            index += 1


def with_lists(options: dict[str, Any] | None) -> dict[str, Any] | None:
    """The options as the metric takes them: one value of a list may stand alone."""
    return options and {
        key: (value,) if key in LISTS and isinstance(value, (int, float)) else value
        for key, value in options.items()
    }


def read_protocol(words: list[str]) -> dict[str, Any]:
    """The words of --protocol as the metric takes them: a name, then KEY=VALUE."""
    name, *pairs = words
    wrong = [word for word in pairs if '=' not in word]
    if '=' in name or wrong:
        raise ValueError(f'--protocol is a name and KEY=VALUE ..., got {" ".join(words)!r}')
    options = dict(pair.split('=', 1) for pair in pairs)
    read: dict[str, Any] = {key: _label(value) for key, value in options.items()}
    if 'pairs' in options:
        read['pairs'] = [
            tuple(map(_label, pair.split('+'))) for pair in options['pairs'].split(',')
        ]
    if 'cameras' in options:
        read['cameras'] = tuple(map(_label, options['cameras'].split(',')))
    return dict(read, type=name)


def reassociate(path: str, options: dict[str, Any], distance: str) -> dict[str, float]:
    """Figures of re-association, of the crops of videos.

    Raises:
        ValueError: if an option is unknown, or an image is no box of a track.
    """
    unknown = sorted(set(options) - {'gap'})
    if unknown or 'gap' not in options:
        raise ValueError(f'--reassociate takes gap=FRAMES, got {options}')
    extraction = read_extraction(Path(path))
    videos, frames, tracks = crop_tracks(extraction.names)
    return reassociation(
        extraction.features, tracks, frames, videos, gap=options['gap'], distance=distance
    )


def run(args: argparse.Namespace) -> None:
    """Print the metrics as JSON."""
    if args.reassociate is not None:
        found = reassociate(args.features, args.reassociate, args.distance)
        print(json.dumps(found, indent=2))
        return
    metric = ReIDMetric(
        args.distance,
        args.ap,
        list_length=0,
        protocol=read_protocol(args.protocol),
        pool=args.pool,
        rerank=RERANK if args.rerank else None,
        query_expansion=args.query_expansion,
        tpr_at_fpr=args.tpr_at_fpr,
        single_shot=args.single_shot,
        open_set=with_lists(args.open_set),
        backend=args.backend,
        device=args.device,
    )
    metric.process(None, list(samples(load_features(args.features))))
    print(json.dumps(metric.evaluate(len(metric.store)), indent=2))


def _label(text: str) -> int | str:
    """A number where the text is one."""
    return int(text) if text.lstrip('-').isdigit() else text
