"""Serve a web page: drop an image, see the matches in a gallery.

    reid-fusedloss serve work_dirs/demo --gallery data/synthetic/bounding_box_test
    reid-fusedloss serve CONFIG CHECKPOINT --index FOLDER --port 7861
    reid-fusedloss serve demo.onnx --gallery photos/

By default the page is served to this machine only, and it contacts no other. --index is a gallery
that `search` keeps; when `search` changes it, the next query uses the new one. Needs gradio and
faiss: pip install 'reid_fusedloss[search,web]'.

Exit status: 0 stopped by Ctrl-C or SIGTERM, which remove the uploads; 2 invalid arguments or files.
"""

import argparse

from .arguments import add_trained_model_arguments

INTERMIXED = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trained_model_arguments(parser, exported=True)
    gallery = parser.add_mutually_exclusive_group(required=True)
    gallery.add_argument(
        '--gallery',
        nargs='+',
        metavar='PATH',
        help='images, folders and globs, whose features are computed now',
    )
    gallery.add_argument(
        '--index',
        metavar='FOLDER|URI',
        help='a gallery of `search`, in a folder or on a Milvus server',
    )
    parser.add_argument(
        '--pattern',
        help='finds identity and camera in the file names of --gallery; default: as in Market-1501',
    )
    parser.add_argument('--recursive', action='store_true', help='search subfolders too')
    parser.add_argument('--port', type=int, default=7860, help='0: a free one')
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on, IPv4 or IPv6; default: only this machine',
    )
