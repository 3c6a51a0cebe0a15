"""Who may let a checkpoint run code while it loads, and how."""

import argparse
import os

TRUST_FLAG = '--trust-checkpoint'
TRUST_VARIABLE = 'REID_TRUST_CHECKPOINT'
TORCH_VARIABLE = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'  # PyTorch's own, with the same meaning
_YES, _NO = ('1', 'y', 'yes', 'true'), ('', '0', 'n', 'no', 'false')
_state = dict(trusted=False, has_flag=False)


def trust_checkpoints(trust: bool = True) -> None:
    """Let checkpoints run code while they load (`weights_only=False`): for files you made or trust.

    A pickle can do anything that you can do. Plain weights, the checkpoints of this package and
    those of MMEngine's Runner never need it.
    """
    _state['trusted'] = trust


def is_trusted() -> bool:
    """Whether checkpoints may run code: by `trust_checkpoints`, or by an environment variable.

    `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1` counts as it does for PyTorch. A `torch.load` that was
    replaced does not: a library may have done that for its own files.

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
    """Add the flag of a command whose user may trust a checkpoint."""
    _state['has_flag'] = True
    parser.add_argument(
        TRUST_FLAG,
        action='store_true',
        help='load files that can run code; only for files you trust',
    )


def ways_to_trust() -> str:
    """What the caller can do to trust a file, for an error message."""
    if _state['has_flag']:
        return f'pass {TRUST_FLAG} or set the environment variable {TRUST_VARIABLE}=1'
    return (
        f'set the environment variable {TRUST_VARIABLE}=1, add '
        "dict(type='reid_fusedloss.TrustCheckpointsHook') to custom_hooks of the config, or "
        'call reid_fusedloss.trust_checkpoints()'
    )
