"""Start the worker processes of a data loader."""

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
    """Start a worker that ignores stop signals unless its parent sends them.

    A cluster signals all processes of a job, but a training needs its workers, those of its
    evaluation too, to finish the current step; they exit with it. Where the system does not tell
    who sent a signal (macOS, Windows), signals work as usual. In a loader's config:
    `worker_init_fn=dict(type='reid_fusedloss.start_worker')`.

    Args:
        worker_id, num_workers, rank, seed: as in MMEngine's `worker_init_fn`; with seed None
            PyTorch seeds the worker.
    """
    if seed is not None:
        worker_init_fn(worker_id, num_workers, rank, seed)
    if hasattr(signal, 'sigwaitinfo'):
        numbers = {getattr(signal, name) for name in STOP_SIGNALS}
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        threading.Thread(target=_exit_with_parent, args=(numbers,), daemon=True).start()


def _exit_with_parent(numbers: set[int]) -> None:
    while signal.sigwaitinfo(numbers).si_pid != os.getppid():
        pass
    os._exit(0)
