"""Several processes of a command."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

FLAG = '--processes'


def add_processes_argument(parser: argparse.ArgumentParser) -> None:
    """Argument of the commands that can run on several processes."""
    parser.add_argument(
        FLAG,
        type=int,
        metavar='N',
        help='processes on this machine, one for each GPU, started by torchrun. '
        'Several machines: the same command on each of them, with NNODES, '
        'NODE_RANK and MASTER_ADDR (and PORT) set',
    )


def torchrun(command: str, argv: Sequence[str], processes: int) -> None:
    """Become the torchrun that starts a command on several processes; does not return.

    Args:
        command: its name.
        argv: its arguments, `--processes` among them.
        processes: how many on this machine.

    Raises:
        ValueError: if there is to be none.
    """
    if processes < 1:
        raise ValueError(f'{FLAG} {processes} must be at least 1')
    if hasattr(signal, 'SIGUSR1'):  # a cluster's warning ends the trainings, not the launcher
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    given = os.environ.get
    sys.stdout.flush()
    os.execv(
        sys.executable,
        [
            sys.executable,
            '-m',
            'torch.distributed.run',
            f'--nnodes={given("NNODES", "1")}',
            f'--node_rank={given("NODE_RANK", "0")}',
            f'--master_addr={given("MASTER_ADDR", "127.0.0.1")}',
            f'--master_port={given("PORT", "29500")}',
            f'--nproc_per_node={processes}',
            '-m',
            'reid_fusedloss',
            command,
            *_without_flag(argv),
            '--launcher',
            'pytorch',
        ],
    )


def _without_flag(argv: Sequence[str]) -> list[str]:
    kept: list[str] = []
    words = iter(argv)
    for word in words:
        if word == FLAG:
            next(words, None)
        elif not word.startswith(f'{FLAG}='):
            kept.append(word)
    return kept
