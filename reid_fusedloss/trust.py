"""Settings that allow a checkpoint to run code while it loads."""

import argparse
import os

TRUST_FLAG = '--trust-checkpoint'
TRUST_VARIABLE = 'REID_TRUST_CHECKPOINT'
TORCH_VARIABLE = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'  # PyTorch's own, with the same meaning
_YES, _NO = ('1', 'y', 'yes', 'true'), ('', '0', 'n', 'no', 'false')
_state = dict(trusted=False, has_flag=False)


def trust_checkpoints(trust: bool = True) -> None:
    """Let checkpoints run code while they load (`weights_only=False`), if you trust their source.

    A pickle can do anything that you can do. Plain weights and the checkpoints of this package and
    of MMEngine's Runner never need this.
    """
    _state['trusted'] = trust


def is_trusted() -> bool:
    """Whether `trust_checkpoints` or an environment variable lets checkpoints run code.

    `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1` has the same effect as in PyTorch. A patched `torch.load`
    has none: a library may have patched it for its own files.

    Raises:
        ValueError: if `REID_TRUST_CHECKPOINT` is neither yes nor no.
    """
    value = os.environ.get(TRUST_VARIABLE, '')
    if value.lower() not in _YES + _NO:
        raise ValueError(
            f"the environment variable {TRUST_VARIABLE} must be '1' or '0', got {value!r}"
        )
    by_torch = os.environ.get(TORCH_VARIABLE, '').lower() in _YES
    return _state['trusted'] or value.lower() in _YES or by_torch


def add_trust_argument(parser: argparse._ActionsContainer) -> None:
    """Add the flag by which the user of a command trusts a checkpoint."""
    _state['has_flag'] = True
    parser.add_argument(
        TRUST_FLAG,
        action='store_true',
        help='load files that can run code; only for files you trust',
    )


def ways_to_trust() -> str:
    """Tell how to trust a file, for an error message."""
    if _state['has_flag']:
        return f'pass {TRUST_FLAG} or set the environment variable {TRUST_VARIABLE}=1'
    return (
        f'set the environment variable {TRUST_VARIABLE}=1, add '
        "dict(type='reid_fusedloss.TrustCheckpointsHook') to custom_hooks of the config, or "
        'call reid_fusedloss.trust_checkpoints()'
    )
