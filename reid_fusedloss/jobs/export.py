"""Export a trained model."""

import argparse
import tempfile
from pathlib import Path

from ..apis import ReIDInferencer
from ..export import Export, ModelCard, Quantised, export_onnx, quantise_onnx
from ..loading import trust_checkpoints
from ..printable import tell, tell_unreadable

INT8 = ('calibrate', 'calibrate_images', 'float_convs', 'quantiser')  # arguments of --int8


def run(args: argparse.Namespace) -> None:
    """Export, and print how far the file's features are from PyTorch's."""
    _check(args)
    trust_checkpoints(args.trust_checkpoint)
    if args.int8:
        quantised = _export_int8(args)
        tell_unreadable(quantised.unreadable, 'calibration')
        found = quantised.held_out
        _tell(
            f'written: {args.out}; on {found.images} images that int8 was not calibrated with, the '
            f'cosine with the float32 features is {found.median:.4f} in the median, '
            f'{found.worst:.4f} at worst',
            quantised.card,
        )
    else:
        done = _export(args, args.out)
        _tell(
            f"written: {args.out}; features of {done.num_images} images differ from PyTorch's by "
            f'at most {done.difference:.1e}',
            done.card,
        )


def _check(args: argparse.Namespace) -> None:
    if Path(args.out).is_dir():
        raise ValueError(f'{args.out} is a folder: give a file to write')
    if args.int8 and args.calibrate is None:
        raise ValueError('--int8 needs images to calibrate with: add --calibrate FOLDER')
    wrong = [name for name in INT8 if not args.int8 and getattr(args, name) is not None]
    if wrong:
        raise ValueError(f'--{wrong[0].replace("_", "-")} is for --int8: add it, or leave it out')


def _export(args: argparse.Namespace, out: str) -> Export:
    inferencer = ReIDInferencer(
        args.source, args.checkpoint, 'cpu', progress=False, options=args.cfg_options
    )
    return export_onnx(
        inferencer,
        out,
        normalise=args.normalise,
        channel_order=args.channel_order,
        input_type=args.input_type,
        l2=not args.no_l2,
        exporter=args.exporter,
        opset=args.opset,
        images=args.images,
        tolerance=args.tolerance,
    )


def _export_int8(args: argparse.Namespace) -> Quantised:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, 'float32.onnx')
        _export(args, str(source))
        given = dict(
            num_images=args.calibrate_images, float_convs=args.float_convs, quantiser=args.quantiser
        )
        given = {name: value for name, value in given.items() if value is not None}
        return quantise_onnx(source, args.out, args.calibrate, **given)


def _tell(line: str, card: ModelCard) -> None:
    tell(line)
    for name, text in card.to_props().items():
        tell(f'  {name}: {text}')
