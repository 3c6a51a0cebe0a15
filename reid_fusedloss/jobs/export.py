"""Export a trained model."""

import argparse
from pathlib import Path

from ..apis import ReIDInferencer
from ..export import export_onnx
from ..loading import trust_checkpoints
from ..printable import tell


def run(args: argparse.Namespace) -> None:
    """Export, and print how far the file's features are from PyTorch's."""
    if Path(args.out).is_dir():
        raise ValueError(f'{args.out} is a folder: give a file to write')
    trust_checkpoints(args.trust_checkpoint)
    inferencer = ReIDInferencer(
        args.source, args.checkpoint, 'cpu', progress=False, options=args.cfg_options
    )
    done = export_onnx(
        inferencer,
        args.out,
        normalise=args.normalise,
        channel_order=args.channel_order,
        input_type=args.input_type,
        l2=not args.no_l2,
        exporter=args.exporter,
        opset=args.opset,
        images=args.images,
        tolerance=args.tolerance,
    )
    tell(
        f"written: {args.out}; features of {done.num_images} images differ from PyTorch's by at "
        f'most {done.difference:.1e}'
    )
    for name, text in done.card.to_props().items():
        tell(f'  {name}: {text}')
