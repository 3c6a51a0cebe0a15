"""Write checkpoints atomically, find the latest, and compare two."""

from .atomic_backend import BACKEND, AtomicLocalBackend
from .compare import differences
from .finite import check_finite, not_finite
from .latest import latest_checkpoint
from .own_files import OUTDATED, keep_steps, outdated_names, own_best
from .pointer import INTERRUPTED, POINTER, own_path, read_pointer, write_pointer
from .rank_buffers import gather_rank_buffers, own_rank_buffers

__all__ = [
    'BACKEND',
    'INTERRUPTED',
    'OUTDATED',
    'POINTER',
    'AtomicLocalBackend',
    'check_finite',
    'differences',
    'gather_rank_buffers',
    'keep_steps',
    'latest_checkpoint',
    'not_finite',
    'outdated_names',
    'own_best',
    'own_path',
    'own_rank_buffers',
    'read_pointer',
    'write_pointer',
]
