"""Functions on several real processes of one group."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing


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
