"""Export a trained model to an ONNX file, which is compared with the model before it is kept.

reid-fusedloss export work_dirs/demo demo.onnx
reid-fusedloss export CONFIG CHECKPOINT OUT.onnx --normalise outside --images FOLDER
reid-fusedloss export NAME OUT.onnx --int8 --calibrate GALLERY
"""

import argparse

from .arguments import add_trained_model_arguments

INTERMIXED = True
EXPORTERS = dict(torchscript=17, dynamo=18)  # with their default opsets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trained_model_arguments(parser, device=False)
    parser.add_argument('out', metavar='OUT.onnx', help='file to write')
    parser.add_argument(
        '--normalise',
        choices=('inside', 'outside'),
        default='inside',
        help='inside: the graph takes pixels, 0 to 255, and normalises them '
        'itself (default); outside: it takes normalised images',
    )
    parser.add_argument(
        '--channel-order',
        choices=('rgb', 'bgr'),
        default='rgb',
        help="of the graph's input; default: rgb",
    )
    parser.add_argument(
        '--input-type',
        choices=('float32', 'uint8'),
        default='float32',
        help="of the graph's input; default: float32",
    )
    parser.add_argument(
        '--no-l2', action='store_true', help='do not scale the features to unit length'
    )
    parser.add_argument(
        '--exporter',
        choices=list(EXPORTERS),
        default='torchscript',
        help="PyTorch's exporter; default: torchscript, which every release since 2.1 has",
    )
    parser.add_argument('--opset', type=int, help=f'of ONNX; default: {EXPORTERS}')
    _add_comparison_arguments(parser)
    _add_int8_arguments(parser)


def _add_comparison_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--images', metavar='FOLDER|FILE', help='images to compare; default: drawn pedestrians'
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        default=1e-4,
        help='largest difference of unit-length features; default: %(default)s',
    )


def _add_int8_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--int8',
        action='store_true',
        help='write an int8 file: faster, features near those of the float32 file; '
        'needs --calibrate',
    )
    parser.add_argument(
        '--calibrate', metavar='FOLDER|FILE', help="images to calibrate int8 with: the gallery's"
    )
    parser.add_argument(
        '--calibrate-images',
        type=int,
        metavar='N',
        help='number of them, drawn with a fixed seed; default: 300',
    )
    parser.add_argument(
        '--float-convs',
        type=int,
        metavar='N',
        help='number of first convolutions that stay in float32; default: 0, or 5 if '
        'the features are not close enough',
    )
    parser.add_argument(
        '--quantiser',
        choices=('onnxruntime', 'nncf'),
        help='default: onnxruntime; the files of nncf are fast in OpenVINO alone',
    )
