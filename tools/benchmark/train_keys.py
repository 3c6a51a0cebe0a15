"""Runners with the config keys that make a training step faster."""

from pathlib import Path

import torch
from mmengine.runner import Runner
from train_loops import start_runner
from train_networks import MemoryLoader, Network, read_config

BFLOAT16, FLOAT16, CHANNELS_LAST, COMPILE = 'bfloat16', 'float16', 'channels-last', 'compile'
# on a GPU only: MMEngine's loss scaling does not run on a CPU
GPU_KEYS = (FLOAT16, f'{FLOAT16} {CHANNELS_LAST}') if torch.cuda.is_available() else ()
KEYS = (
    'float32',
    CHANNELS_LAST,
    BFLOAT16,
    f'{BFLOAT16} {CHANNELS_LAST}',
    COMPILE,
    f'{BFLOAT16} {CHANNELS_LAST} {COMPILE}',
    *GPU_KEYS,
)


def runner_with(keys: str, network: Network, work_dir: Path, loader: MemoryLoader) -> Runner:
    """Start a Runner with the keys of a name in `KEYS`, and without the others.

    In a config they are: `optim_wrapper=dict(type='reid_fusedloss.BF16OptimWrapper')`,
    `optim_wrapper=dict(type='AmpOptimWrapper', loss_scale='dynamic')` for float16,
    `default_hooks=dict(channels_last=dict(type='reid_fusedloss.ChannelsLastHook'))`,
    `compile=True`.
    """
    wanted = set(keys.split())
    cfg = read_config(network, work_dir)
    cfg.default_hooks.pop('channels_last', None)
    if CHANNELS_LAST in wanted:
        cfg.default_hooks.channels_last = dict(type='reid_fusedloss.ChannelsLastHook')
    if BFLOAT16 in wanted:
        cfg.optim_wrapper.type = 'reid_fusedloss.BF16OptimWrapper'
    if FLOAT16 in wanted:
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    if COMPILE in wanted:
        cfg.compile = True
    return start_runner(cfg, loader)
