#!/usr/bin/env python
"""A trained model as an ONNX file, compared with the model before it is left.

    python tools/export_onnx.py work_dirs/demo demo.onnx
    python tools/export_onnx.py CONFIG CHECKPOINT OUT.onnx --normalise outside --images FOLDER
"""
import argparse

from reid_fusedloss import trust_checkpoints
from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.engine.arguments import add_trained_model_arguments
from reid_fusedloss.export import EXPORTERS, export_onnx
from reid_fusedloss.export.card import CHANNEL_ORDERS, INPUT_TYPES, PLACES


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_trained_model_arguments(parser, device=False)
    parser.add_argument('out', metavar='OUT.onnx', help='file to write')
    parser.add_argument('--normalise', choices=PLACES, default='inside',
                        help='inside: the graph takes pixels, 0 to 255, and subtracts the mean '
                        'itself (default); outside: it takes normalised images')
    parser.add_argument('--channel-order', choices=CHANNEL_ORDERS, default='rgb',
                        help="of the graph's input; default: rgb")
    parser.add_argument('--input-type', choices=INPUT_TYPES, default='float32',
                        help="of the graph's input; default: float32")
    parser.add_argument('--no-l2', action='store_true',
                        help='leave the length of the features as the network gives it')
    parser.add_argument('--exporter', choices=list(EXPORTERS), default='torchscript',
                        help="which of PyTorch's exporters; default: torchscript, which every "
                        'release since 2.1 has')
    parser.add_argument('--opset', type=int, help=f'of ONNX; default: {EXPORTERS}')
    parser.add_argument('--images', metavar='FOLDER|FILE',
                        help='images to compare on; default: drawn pedestrians')
    parser.add_argument('--tolerance', type=float, default=1e-4,
                        help='largest difference of features of unit length; default: 1e-4')
    return parser.parse_intermixed_args()


def main() -> None:
    args = parse_args()
    trust_checkpoints(args.trust_checkpoint)
    inferencer = ReIDInferencer(args.source, args.checkpoint, 'cpu', progress=False,
                                options=args.cfg_options)
    done = export_onnx(
        inferencer, args.out, normalise=args.normalise, channel_order=args.channel_order,
        input_type=args.input_type, l2=not args.no_l2, exporter=args.exporter, opset=args.opset,
        images=args.images, tolerance=args.tolerance)
    print(f'written: {args.out}; features of {done.num_images} images differ from PyTorch\'s by at '
          f'most {done.difference:.1e}')
    for name, text in done.card.to_props().items():
        print(f'  {name}: {text}')


if __name__ == '__main__':
    main()
