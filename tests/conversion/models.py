"""The model of ours that converted weights fit, and its features."""

from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import Tensor, nn

from reid_fusedloss.conversion import Converted, compare
from reid_fusedloss.engine.testing import adopt_identities
from tests.configs.loading import resolve


def build(converted: Converted, **options: Any) -> nn.Module:
    """The model of the config that the conversion names, filled, in float64.

    Options, as `key__sub=value`, make it as narrow as the weights.
    """
    cfg: Config = resolve(converted.config or options.pop('config'))
    given = {key.replace('__', '.'): value for key, value in options.items()}
    cfg.merge_from_dict(converted.options | given)
    cfg.model.backbone.init_cfg = None
    adopt_identities(cfg, converted.weights)
    model = MODELS.build(cfg.model)
    fit = compare(converted.weights, model.state_dict())
    fit.check()
    assert not fit.unknown and not fit.shapes
    assert all(name.startswith('head.') for name in fit.missing)
    model.load_state_dict(converted.weights, strict=False)
    return model.double().eval()


@torch.no_grad()
def features(model: nn.Module, images: Tensor, *names: str) -> dict[str, Tensor]:
    """Embeddings of normalised images, by name."""
    if hasattr(model.head, 'test_features'):
        model.head.test_features = names
    return model.head.embeddings(model.extract_feat(images))


def pooled(output: Any) -> Tensor:
    """The last of a backbone's outputs, averaged where it is a map."""
    last = output[-1] if isinstance(output, (list, tuple)) else output
    return last.mean((2, 3)) if last.ndim == 4 else last
