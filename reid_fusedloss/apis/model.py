"""Load a trained model from a config or a run's folder, and a checkpoint."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from torch import nn

from ..engine.checkpoints import latest_checkpoint
from ..engine.config import load_config
from ..engine.run_record import TEST, read_record
from ..engine.testing import build_trained, read_weights
from ..scope import find_config
from ..whole_file import PathLike
from ..zoo import find_trained, list_trained


def find_run(source: PathLike, checkpoint: PathLike | None = None) -> tuple[str, str]:
    """Find the config and the checkpoint of a model.

    Args:
        source: a trained network of the package by name, such as 'mobilenetv2_market1501'; a config
            file, or the name of a config of the package; or the work_dir of a training (of
            tools/train.py, tools/demo.py, or a row's seed of tools/ablate.py), where the config
            that it left and its latest whole checkpoint are taken.
        checkpoint: file of the weights; not needed for a trained network or a work_dir.

    Raises:
        FileNotFoundError: if the source does not exist, or lacks one of the two.
        ValueError: if a work_dir holds several configs, a config has no checkpoint, or the weights
            of a trained network are not those that were published.
    """
    path = Path(source)
    if not path.is_dir():
        trained = None if path.exists() else find_trained(os.fspath(source))
        if trained is not None:
            return str(trained.config), os.fspath(checkpoint or trained.weights())
        path = find_config(os.fspath(source))
        if checkpoint is None:
            raise ValueError(
                f'{source} is a config: give the checkpoint too, or the work_dir of a training '
                f'instead, or one of the trained networks {sorted(list_trained())}'
            )
        return str(path), os.fspath(checkpoint)
    trained_in, configs = _training(path)
    if not configs:
        inside = sorted({file.parent.name for file in path.glob('*/*.py')})
        hint = f', such as {inside[:5]} in it' if inside else ''
        raise FileNotFoundError(
            f'{path} has no config (.py): give the work_dir of a training{hint}'
        )
    if len(configs) > 1:
        raise ValueError(
            f'{path} has several configs, {[file.name for file in configs]}: give '
            'one of them and a checkpoint'
        )
    found = checkpoint or latest_checkpoint(str(trained_in))
    if found is None:
        raise FileNotFoundError(
            f'{trained_in} has no checkpoint: let the training save one, or give the file'
        )
    return str(configs[0]), os.fspath(found)


def _training(folder: Path) -> tuple[Path, list[Path]]:
    """Return the folder of a run's checkpoints, and its configs.

    A row of tools/ablate.py that shares its training with another row has a record of the other's
    folder, and the config of its own test.
    """
    configs = sorted(folder.glob('*.py'))
    record = None if configs else read_record(folder)
    if record is None:
        return folder, configs
    return folder.resolve().parents[2] / record['trained_in'], sorted(folder.glob(f'{TEST}/*.py'))


def load_model(
    source: PathLike,
    checkpoint: PathLike | None = None,
    *,
    device: str | torch.device | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[nn.Module, Config]:
    """Build a model and load the weights of a checkpoint.

    Args:
        source: a trained network of the package, a config, or the work_dir of a training; see
            `find_run`.
        checkpoint: file of the weights; not needed for a trained network or a work_dir.
        device: device of the model; None: a GPU if there is one.
        options: keys of the config to set, as in `Config.merge_from_dict`.

    Returns:
        The model in evaluation mode, and its config. `model(images, mode='tensor')` returns
        embeddings (B, C) of normalised images (B, 3, H, W).

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if the checkpoint cannot be read or lacks a weight that the embedding needs, or
            the device is unknown or not available.
    """
    config, checkpoint = find_run(source, checkpoint)
    cfg = load_config(config, options=options)
    model = build_trained(cfg, read_weights(checkpoint))
    return _move(model, device or get_device()), cfg


def _move(model: nn.Module, device: str | torch.device) -> nn.Module:
    try:
        return model.to(torch.device(device))
    except (AssertionError, RuntimeError, TypeError) as error:  # by PyTorch, without the device
        reason = str(error).splitlines()[0]
        raise ValueError(f'device={device!r} cannot be used: {reason}') from error
