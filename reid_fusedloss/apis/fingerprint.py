"""Fingerprint a model: all that its features depend on, and nothing else."""

import hashlib
import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, Registry
from torch import nn

from ..datasets.pipeline import pipeline_steps
from ..engine.testing import UNTESTED, tested_pipeline
from ..registry import TRANSFORMS
from ..whole_file import PathLike

SCHEME = 2  # of what is counted; 1 counted the loss and the classifier too
FULL = 'float32'
# config keys that do not affect features once the weights are loaded
IDLE = frozenset(
    (
        'init_cfg',
        'pretrained',
        'frozen_stages',
        'norm_eval',
        'with_cp',
        'train_cfg',
        'teacher',
        'loss',
        'num_classes',
        'bias',
        'topk',
        'cal_acc',
        'dropout',
        'drop_rate',
        'drop_path_rate',
        'attn_drop_rate',
        'batch_augments',
        'max_bytes',
        'max_pixels',
        'meta_keys',
        'algorithm_keys',
    )
)
COPIED = ('quantised', 'changed')  # of an exported file that is not the model's own
PARTS = dict(
    weights='other weights',
    model='another model config',
    pipeline='another test pipeline',
    quantised='weights that were quantised otherwise',
    changed='a file that was changed after its export',
)


def of_model(model: nn.Module, cfg: Config, **options: bool | str) -> dict[str, Any]:
    """Fingerprint the weights, model, test pipeline and options of an extraction.

    Equal fingerprints give equal features but for rounding. The loss, the classifier and all else
    that only a training uses do not count, nor do paths of files, nor whether a config states a
    default.

    Args:
        model: as it is used.
        cfg: its config and that of its test data.
        options: of the extraction: `normalize`, `flip`, and `precision`, such as 'float32'.
    """
    pipeline = pipeline_steps(tested_pipeline(cfg))
    return dict(
        scheme=SCHEME,
        weights=_weights(model),
        model=_config(cfg.model, MODELS),
        pipeline=_config(pipeline, TRANSFORMS),
        options=options,
    )


def of_file(path: PathLike) -> dict[str, Any]:
    """Fingerprint a file that holds all that features depend on, but does not name its model."""
    return dict(file=hashlib.sha256(Path(path).read_bytes()).hexdigest())


def digits_of(made_by: Mapping[str, Any]) -> str:
    """Shorten a fingerprint to a text that begins alike for all precisions of a model.

    Args:
        made_by: a fingerprint, also of an older version.
    """
    if made_by.get('scheme') != SCHEME:
        return _digest(made_by)[:16]
    options = {**made_by['options'], 'precision': FULL}
    same = {**made_by, 'options': options}
    parts = [f'v{SCHEME}', _digest({key: same[key] for key in same if key not in COPIED})[:16]]
    if made_by['options']['precision'] != FULL:
        parts.append(made_by['options']['precision'])
    return '-'.join([*parts, *(made_by[key][:8] for key in COPIED if key in made_by)])


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Describe the differences of two fingerprints; an empty list if they are equal.

    Args:
        before: of existing features, also by an older version.
        now: of the features to be added to them.
    """
    if before == now:
        return []
    if before.get('scheme') != now.get('scheme'):
        older = 'weights' in before and 'scheme' not in before
        return [
            'an older version of this package, which identified models differently'
            if older
            else 'another model'
        ]
    found = [text for part, text in PARTS.items() if before.get(part) != now.get(part)]
    options = [before.get('options', {}), now.get('options', {})]
    other = [
        f'{key}={options[0].get(key)!r}, here {options[1].get(key)!r}'
        for key in sorted({**options[0], **options[1]})
        if options[0].get(key) != options[1].get(key)
    ]
    return [*found, *([f'other options ({"; ".join(other)})'] if other else [])] or [
        'another model'
    ]


def _weights(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        if not re.match(UNTESTED, name):
            digest.update(f'{name} {weight.dtype} {tuple(weight.shape)}'.encode())
            flat = weight.detach().cpu().contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


def _config(part: Any, registry: Registry) -> str:
    return _digest(_plain(Config(dict(part=part)).to_dict()['part'], registry))


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _plain(node: Any, registry: Registry) -> Any:
    """Reduce a part of a config: no idle keys, defaults and scopes, and lists for tuples."""
    if isinstance(node, (list, tuple)):
        return [_plain(item, registry) for item in node]
    if not isinstance(node, Mapping):
        return node
    kept = {key: _plain(value, registry) for key, value in node.items() if key not in IDLE}
    if isinstance(kept.get('test_feature'), list):  # the first is the embedding
        kept['test_feature'] = kept['test_feature'][0]
    if 'type' not in kept:
        return kept
    kind = kept['type']
    if isinstance(kind, str):
        with registry.switch_scope_and_registry(None) as scoped:  # as for building it
            kind = scoped.get(kind)
    if not inspect.isclass(kind):
        return kept
    kind = vars(kind).get('SAME_RESULTS_AS', kind)
    defaults = {
        key: _plain(parameter.default, registry)
        for key, parameter in inspect.signature(kind).parameters.items()
    }
    named = {
        key: value for key, value in kept.items() if key not in defaults or defaults[key] != value
    }
    return {**named, 'type': f'{kind.__module__.split(".")[0]}.{kind.__name__}'}
