"""Releases of PyTorch that cannot load a file without running code from it."""
import re

import torch

SAFE = (2, 6)  # the first release with the fix of CVE-2025-32434


def check_torch(name: str) -> None:
    """Refuse a file that is not trusted where `weights_only=True` does not keep its promise.

    Before PyTorch 2.6 a prepared file runs code in spite of it (CVE-2025-32434); the maintainers
    fixed one way and name others as possible, so that no choice of formats is safe there.

    Args:
        name: of the file, for the error.

    Raises:
        ValueError: if this PyTorch is older than 2.6.
    """
    release = tuple(map(int, re.findall(r'\d+', torch.__version__)[:2]))
    if release < SAFE:
        raise ValueError(
            f'{name} is not loaded: PyTorch {torch.__version__} can run code from a checkpoint '
            'even with weights_only=True (CVE-2025-32434). Install PyTorch 2.6 or newer; or, if '
            'you made the file or trust its source, pass --trust-checkpoint (or call '
            'reid_fusedloss.trust_checkpoints())')
