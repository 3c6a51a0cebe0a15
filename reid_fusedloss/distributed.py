"""Distributed training on CPUs: patches for MMEngine 0.10, which expects a GPU for each process.

With a GPU they change nothing.
"""

import atexit
import functools
import gc
import sys
from collections.abc import Callable
from typing import Any

import torch
from mmengine.device import is_mlu_available, is_musa_available, is_npu_available
from torch import nn


def patch_start() -> None:
    """Patch the start of a process group, once."""
    from mmengine.dist import utils  # not above: this module is imported when that one is

    if not hasattr(utils._init_dist_pytorch, '__wrapped__'):
        utils._init_dist_pytorch = _with_gloo(utils._init_dist_pytorch)


def patch_wrapper() -> None:
    """Patch the wrapper of a model, once."""
    from mmengine.model import MMDistributedDataParallel

    if not hasattr(MMDistributedDataParallel.__init__, '__wrapped__'):
        MMDistributedDataParallel.__init__ = _without_device(MMDistributedDataParallel.__init__)


def has_accelerator() -> bool:
    """Whether MMEngine finds a GPU or another accelerator."""
    return (
        torch.cuda.is_available() or is_mlu_available() or is_npu_available() or is_musa_available()
    )


def leave_processes() -> None:
    """Destroy the process group while the interpreter still runs.

    `destroy_process_group` alone leaves gloo's threads alive as long as the model's wrapper refers
    to the group, and a runner is part of a reference cycle that only the garbage collector frees.
    A thread that wakes up late releases the tensors of its last operation while the interpreter
    shuts down, which aborts the process after a complete training ("terminate called without an
    active exception"). If this module started the group, this function also runs at exit, when no
    stack frame refers to a runner any more.
    """
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    gc.collect()


def _leave_at_exit() -> None:
    """Leave the group, except after an error: pending operations would wait for other processes."""
    if not hasattr(sys, 'last_value'):
        leave_processes()


def _with_gloo(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap MMEngine's start of a process group: use gloo if there is no accelerator."""

    @functools.wraps(init)
    def start(backend: str, init_backend: str = 'torch', **options: Any) -> None:
        if init_backend == 'torch' and not has_accelerator():
            torch.distributed.init_process_group('gloo', **options)
            atexit.register(_leave_at_exit)
        else:
            init(backend, init_backend=init_backend, **options)

    return start


def _without_device(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap the constructor of MMEngine's DDP wrapper, which assigns a GPU even to a CPU model."""

    @functools.wraps(init)
    def construct(self: nn.Module, module: nn.Module, *args: Any, **options: Any) -> None:
        if all(weight.device.type == 'cpu' for weight in module.parameters()):
            args, options = args[1:], {**options, 'device_ids': None}
        init(self, module, *args, **options)

    return construct
