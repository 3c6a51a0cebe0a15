"""Draw what a model looks at: attention over images, one image or many.

    reid-fusedloss explain work_dirs/demo --images FOLDER                energy of the last map
    reid-fusedloss explain work_dirs/demo --images gallery.jpg --against query.jpg    + Grad-CAM
    reid-fusedloss explain CONFIG CHECKPOINT --images a.jpg b.jpg --methods energy identity

energy: where the backbone's last feature map is strong; needs no gradient and no class. similarity:
where an image resembles another (--against), by Grad-CAM of their cosine similarity. identity: the
evidence for a training identity, by Grad-CAM of the classifier. Grad-CAM needs
pip install 'reid_fusedloss[cam]'.

Exit status: 0 done, also if some images were unreadable; 1 no image could be read; 2 invalid
arguments or files.
"""

import argparse

from .arguments import add_trained_model_arguments

INTERMIXED = True
METHODS = ('energy', 'similarity', 'identity')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trained_model_arguments(parser)
    parser.add_argument(
        '--images', nargs='+', required=True, metavar='PATH', help='images, folders and globs'
    )
    parser.add_argument('--recursive', action='store_true', help='search subfolders too')
    parser.add_argument('--against', metavar='IMAGE', help='image to compare all others with')
    parser.add_argument(
        '--methods',
        nargs='+',
        choices=METHODS,
        help='default: energy, and with --against also similarity',
    )
    parser.add_argument('--identity', type=int, help="class to explain; default: each image's best")
    parser.add_argument(
        '--layer', help='such as backbone.layer3; default: the layer of the last feature map'
    )
    parser.add_argument('--num-images', type=int, default=24, help='maximum number to draw')
    parser.add_argument('--out', default='attention.png', help='picture; default: %(default)s')
    parser.add_argument('--title', default='')
    parser.add_argument('--width', type=int, default=1200, help='in pixels, about')
