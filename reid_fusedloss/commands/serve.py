"""A page in the browser: drop an image, see who of a gallery it is.

    reid-fusedloss serve work_dirs/demo --gallery data/synthetic/bounding_box_test
    reid-fusedloss serve CONFIG CHECKPOINT --index FOLDER --port 7861
    reid-fusedloss serve demo.onnx --gallery photos/

It is served to this machine alone and asks nothing of any other. --index is a gallery that
`search` keeps; when `search` changes it, the next question is answered from the new one. Needs
gradio and faiss: pip install 'reid_fusedloss[search,web]'.

Exit status: 0 ended by Ctrl-C or SIGTERM, which remove the uploads; 2 wrong arguments or files.
"""

import argparse

from .arguments import add_trained_model_arguments

INTERMIXED = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `reid-fusedloss serve`."""
    add_trained_model_arguments(parser, exported=True)
    gallery = parser.add_mutually_exclusive_group(required=True)
    gallery.add_argument(
        '--gallery',
        nargs='+',
        metavar='PATH',
        help='images, folders and globs, whose features are computed now',
    )
    gallery.add_argument('--index', metavar='FOLDER', help='a gallery of `search`')
    parser.add_argument(
        '--pattern',
        help='where the name of a file in --gallery has identity and '
        'camera; default: as in Market-1501',
    )
    parser.add_argument('--recursive', action='store_true', help='look into folders of folders')
    parser.add_argument('--port', type=int, default=7860, help='0: a free one')
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on, IPv6 too; default: this machine alone',
    )
