"""Several processes without a GPU: patches of MMEngine 0.10, which expects a GPU for each.

Where there is a GPU nothing is changed.
"""

import atexit
import functools
import gc
import sys
from collections.abc import Callable
from typing import Any

import torch
from mmengine.device import is_mlu_available, is_musa_available, is_npu_available
from mmengine.dist import utils
from mmengine.model import MMDistributedDataParallel
from torch import nn


def apply() -> None:
    """Install the patches, once."""
    if not hasattr(utils._init_dist_pytorch, '__wrapped__'):
        utils._init_dist_pytorch = _with_gloo(utils._init_dist_pytorch)
    if not hasattr(MMDistributedDataParallel.__init__, '__wrapped__'):
        MMDistributedDataParallel.__init__ = _without_device(MMDistributedDataParallel.__init__)


def has_accelerator() -> bool:
    """Whether MMEngine finds a device for a process of its own."""
    return (
        torch.cuda.is_available() or is_mlu_available() or is_npu_available() or is_musa_available()
    )


def leave_processes() -> None:
    """End the group of processes that MMEngine began, while the interpreter still runs.

    `destroy_process_group` alone leaves the threads of gloo alive as long as a model's wrapper
    refers to the group, and a run is a circle of objects that only a collection frees. A thread
    that wakes late would release the tensors of its last operation while the interpreter ends: it
    cannot, and aborts a process whose training is complete ("terminate called without an active
    exception"). Where this module started the group it is called at the exit too, when no frame
    of the program refers to a run any more.
    """
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    gc.collect()


def _leave_at_exit() -> None:
    """Not after an error: operations that wait for other processes would have to be waited for."""
    if not hasattr(sys, 'last_value'):
        leave_processes()


def _with_gloo(init: Callable[..., None]) -> Callable[..., None]:
    """MMEngine's start of a group of processes, by gloo where there is no accelerator."""

    @functools.wraps(init)
    def start(backend: str, init_backend: str = 'torch', **options: Any) -> None:
        if init_backend == 'torch' and not has_accelerator():
            torch.distributed.init_process_group('gloo', **options)
            atexit.register(_leave_at_exit)
        else:
            init(backend, init_backend=init_backend, **options)

    return start


def _without_device(init: Callable[..., None]) -> Callable[..., None]:
    """The constructor of MMEngine's wrapper, which names a GPU for a model on the CPU too."""

    @functools.wraps(init)
    def construct(
        self: MMDistributedDataParallel, module: nn.Module, *args: Any, **options: Any
    ) -> None:
        if all(weight.device.type == 'cpu' for weight in module.parameters()):
            args, options = args[1:], {**options, 'device_ids': None}
        init(self, module, *args, **options)

    return construct
