"""Checkpoints on the disk: written whole, found again."""
from .atomic_backend import BACKEND, AtomicLocalBackend
from .compare import differences
from .latest import INTERRUPTED, POINTER, latest_checkpoint
from .rank_buffers import gather_rank_buffers, own_rank_buffers

__all__ = [
    'BACKEND', 'INTERRUPTED', 'POINTER', 'AtomicLocalBackend', 'differences',
    'gather_rank_buffers', 'latest_checkpoint', 'own_rank_buffers'
]
