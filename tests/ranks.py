"""Functions on several ranks of one group: real processes, or threads where time matters."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, multiprocessing


def run_ranks(function: Callable[..., None], world: int, folder: Path, *arguments: Any) -> None:
    """Call `function(rank, world, folder, *arguments)` on each rank; an error of one is raised.

    The ranks are forked from one server without threads, which has imported the package: to start
    an interpreter for each takes seconds, several times what it does here.
    """
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['reid_fusedloss'])
    multiprocessing.start_processes(
        _join, (function, world, folder, *arguments), nprocs=world, start_method='forkserver'
    )


def _join(
    rank: int, function: Callable[..., None], world: int, folder: Path, *arguments: Any
) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        'gloo',
        f'file://{folder}/rendezvous',
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=60),
    )
    try:
        function(rank, world, folder, *arguments)
    finally:
        distributed.destroy_process_group()


def run_threads(
    function: Callable[[int], Any], world: int, module: ModuleType, patch: pytest.MonkeyPatch
) -> list[Any]:
    """Call `function(rank)` in a thread for each rank; return their results.

    `module` gets the collective calls of `mmengine.dist` that it imports, among the threads.
    """
    barrier, own = threading.Barrier(world, timeout=20), threading.local()
    sent: list[Any] = [None] * world

    def exchange(tensor: Tensor) -> list[Tensor]:
        sent[own.rank] = tensor.clone()
        barrier.wait()
        received = list(sent)
        barrier.wait()
        return received

    def all_reduce(tensor: Tensor, op: str) -> None:
        tensor.copy_({'max': torch.amax, 'sum': torch.sum}[op](torch.stack(exchange(tensor)), 0))

    def broadcast(tensor: Tensor) -> None:
        tensor.copy_(exchange(tensor)[0])

    calls = dict(all_gather=exchange, all_reduce=all_reduce, broadcast=broadcast)
    calls |= dict(get_world_size=lambda: world, get_rank=lambda: own.rank)
    for name in calls.keys() & vars(module).keys():
        patch.setattr(module, name, calls[name])

    def run(rank: int) -> Any:
        own.rank = rank
        try:
            return function(rank)
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(world) as pool:
        return list(pool.map(run, range(world)))
