"""Load checkpoint files without running code from them."""

from ..trust import TRUST_FLAG, TRUST_VARIABLE, add_trust_argument, is_trusted, trust_checkpoints
from .checkpoint_files import load_checkpoint_file
from .downloads import load_checkpoint_url

__all__ = [
    'TRUST_FLAG',
    'TRUST_VARIABLE',
    'add_trust_argument',
    'is_trusted',
    'load_checkpoint_file',
    'load_checkpoint_url',
    'trust_checkpoints',
]
