"""What features depend on, in a few hexadecimal digits."""
import hashlib
import json
import re
from typing import Any

import torch
from mmengine.config import Config
from torch import nn

from ..engine.testing import UNTESTED
from .inferencer import ReIDInferencer


def fingerprint(inferencer: ReIDInferencer) -> dict[str, Any]:
    """Of the weights, the model, the test pipeline and the options of an inferencer.

    Two of the same fingerprint give the same features but for rounding. The classifier and the loss
    do not count among the weights, nor where the files lie.
    """
    cfg = inferencer.cfg
    return dict(weights=_weights(inferencer.model), model=_config(cfg.model),
                pipeline=_config(cfg.test_dataloader.dataset.pipeline),
                options=dict(normalize=inferencer.normalize, flip=inferencer.flip,
                             amp=inferencer.amp))


def _weights(model: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        if not re.match(UNTESTED, name):
            digest.update(f'{name} {weight.dtype} {tuple(weight.shape)}'.encode())
            flat = weight.detach().cpu().contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


def _config(part: Any) -> str:
    content = Config(dict(part=part)).to_dict()
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
