"""Processes that read images for a training."""

import os
import signal
import threading

from mmengine.dataset import worker_init_fn

from ...registry import FUNCTIONS

STOP_SIGNALS = tuple(name for name in ('SIGTERM', 'SIGUSR1') if hasattr(signal, name))


@FUNCTIONS.register_module()
def start_worker(
    worker_id: int, num_workers: int = 0, rank: int = 0, seed: int | None = None
) -> None:
    """Start a worker of a loader, deaf to signals that are not its parent's.

    A cluster tells all processes of a job to stop, but a training still needs its workers, those of
    its evaluation too, to end the step at hand. They end when it does. Where the system does not
    say who sent a signal (macOS, Windows), nothing is changed. In a config:
    `worker_init_fn=dict(type='reid_fusedloss.start_worker')` of a loader.

    Args:
        worker_id, num_workers, rank, seed: as in MMEngine's `worker_init_fn`; seed None: PyTorch's.
    """
    if seed is not None:
        worker_init_fn(worker_id, num_workers, rank, seed)
    if hasattr(signal, 'sigwaitinfo'):
        numbers = {getattr(signal, name) for name in STOP_SIGNALS}
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        threading.Thread(target=_heed_the_parent, args=(numbers,), daemon=True).start()


def _heed_the_parent(numbers: set[int]) -> None:
    while signal.sigwaitinfo(numbers).si_pid != os.getppid():
        pass
    os._exit(0)
