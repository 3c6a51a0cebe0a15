"""Run a command on several processes."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

FLAG = '--processes'


def add_processes_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument of commands that can run on several processes."""
    parser.add_argument(
        FLAG,
        type=int,
        metavar='N',
        help='processes on this machine, one for each GPU, started by torchrun. '
        'Several machines: the same command on each of them, with NNODES, '
        'NODE_RANK and MASTER_ADDR (and PORT) set',
    )


def torchrun(command: str, argv: Sequence[str], processes: int) -> None:
    """Replace this process by torchrun, which starts the command on several; does not return.

    Args:
        command: its name.
        argv: its arguments, with `--processes` among them.
        processes: number of processes on this machine.

    Raises:
        ValueError: if the number is not positive.
    """
    if processes < 1:
        raise ValueError(f'{FLAG} {processes} must be at least 1')
    if hasattr(signal, 'SIGUSR1'):  # a cluster's warning stops the trainings, not the launcher
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    given = os.environ.get
    launcher = [
        f'--nnodes={given("NNODES", "1")}',
        f'--node_rank={given("NODE_RANK", "0")}',
        f'--master_addr={given("MASTER_ADDR", "127.0.0.1")}',
        f'--master_port={given("PORT", "29500")}',
        f'--nproc_per_node={processes}',
    ]
    parser = argparse.ArgumentParser(add_help=False)
    add_processes_argument(parser)
    others = parser.parse_known_args(argv)[1]  # without `--processes N`, in any spelling
    words = ['-m', 'torch.distributed.run', *launcher, '-m', 'reid_fusedloss', command, *others]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *words, '--launcher', 'pytorch'])
