"""What features depend on, in a few hexadecimal digits."""
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, Union

import torch
from mmengine.config import Config
from torch import nn

from ..engine.testing import UNTESTED, tested_pipeline

PathLike = Union[str, os.PathLike]


def of_model(model: nn.Module, cfg: Config, **options: bool) -> dict[str, Any]:
    """Of the weights, the model, the test pipeline and the options of an extraction.

    Two of the same fingerprint give the same features but for rounding. The classifier and the loss
    do not count among the weights, nor where the files lie.
    """
    return dict(weights=_weights(model), model=_config(cfg.model),
                pipeline=_config(tested_pipeline(cfg)), options=options)


def of_file(path: PathLike) -> dict[str, Any]:
    """Of a file that holds all that features depend on."""
    return dict(file=hashlib.sha256(Path(path).read_bytes()).hexdigest())


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
