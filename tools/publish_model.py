#!/usr/bin/env python
"""Reduce a checkpoint to the weights that make the embedding, in half precision.

    python tools/publish_model.py work_dirs/osnet_x0_25_market1501/epoch_45.pth \\
        reid_fusedloss/zoo/osnet_x0_25_market1501.pth

Prints the SHA-256 for configs/zoo/metafile.yml. The optimizer, the classifier and the loss's own
tensors (centres) are left out: they belong to the identities of the training.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

import reid_fusedloss.components  # noqa: F401  (patches how MMEngine reads checkpoints)
from reid_fusedloss.engine.testing import UNTESTED, read_weights
from reid_fusedloss.whole_file import whole_file


def half_precision(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keep the tested weights as float16; variances, which span orders of magnitude, as float32.

    Raises:
        ValueError: if half precision cannot hold a weight.
    """
    kept = {
        name: value.clone() if name.endswith('running_var') else value.half()
        for name, value in weights.items()
        if not re.match(UNTESTED, name)
    }
    wrong = [name for name, value in kept.items() if not value.isfinite().all()]
    if wrong:
        raise ValueError(f'{wrong[0]} has values that half precision cannot hold')
    return kept


def publish(checkpoint: str, target: Path) -> str:
    """Write the weights and return the SHA-256 of the file."""
    weights = half_precision(read_weights(checkpoint))
    with whole_file(target) as file:
        torch.save(dict(state_dict=weights), file)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='checkpoint of a training')
    parser.add_argument('target', type=Path, help='file to write')
    args = parser.parse_args()
    try:
        digest = publish(args.checkpoint, args.target)
    except (OSError, ValueError) as error:
        print(f'{parser.prog}: error: {error}', file=sys.stderr)
        return 2
    print(f'{args.target}: {args.target.stat().st_size / 2**20:.2f} MiB, SHA-256 {digest}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
