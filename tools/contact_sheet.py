#!/usr/bin/env python
"""Draw a contact sheet of a ReID set: a row per identity, columns by camera and image.

python tools/contact_sheet.py sheet.png                    the built-in synthetic pedestrians
python tools/contact_sheet.py sheet.jpg --root data/market1501/bounding_box_train
"""

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from reid_fusedloss.datasets.pedestrians import draw_pedestrian
from reid_fusedloss.datasets.read_image import UnreadableImageError, read_image

Source = Callable[[int, int, int], np.ndarray]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Draw a contact sheet of a ReID set.')
    parser.add_argument('out', help='image to write, .png or .jpg')
    parser.add_argument(
        '--root',
        help='folder of images with names of Market-1501 '
        '(0002_c1s1_000451_03.jpg); default: the synthetic set',
    )
    parser.add_argument('--pids', type=int, nargs='+', help='identities; default: eight of them')
    parser.add_argument('--camids', type=int, nargs='+', default=[1, 2, 3, 4], help='cameras')
    parser.add_argument('--images', type=int, default=3, help='images of each camera')
    parser.add_argument('--height', type=int, default=128, help='of one image, in pixels')
    parser.add_argument('--seed', type=int, default=0, help='of the synthetic set')
    return parser.parse_args()


def read_folder(root: Path, size: tuple[int, int]) -> tuple[list[int], Source]:
    """List the identities, those in most cameras first, and make a loader (grey: no image)."""
    files: dict[tuple[int, int], list[Path]] = defaultdict(list)
    for path in sorted(root.rglob('*.jpg')):
        match = re.match(r'(-?\d+)_c(\d+)', path.name)
        if match and int(match[1]) > 0:
            files[int(match[1]), int(match[2])].append(path)
    if not files:
        raise SystemExit(f'no image with a name like 0002_c1s1_000451_03.jpg in {root}')

    def load(pid: int, camid: int, index: int) -> np.ndarray:
        paths = files.get((pid, camid), [])
        if index >= len(paths):
            return np.full((*size, 3), 128, np.uint8)
        try:
            image = read_image(paths[index])
        except (OSError, UnreadableImageError) as error:
            raise SystemExit(str(error)) from None
        return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)

    seen = Counter(pid for pid, _ in files)
    return sorted(seen, key=lambda pid: (-seen[pid], pid)), load


def main() -> None:
    args = parse_args()
    size = (args.height, args.height // 2)
    if args.root:
        pids, source = read_folder(Path(args.root), size)
    else:
        pids = list(range(1, 9))

        def source(pid: int, camid: int, index: int) -> np.ndarray:
            return draw_pedestrian(pid, camid, index, seed=args.seed, size=size)

    gap = np.full((args.height, 6, 3), 255, np.uint8)
    rows = []
    for pid in args.pids or pids[:8]:
        cameras = [
            np.hstack([source(pid, camid, k) for k in range(args.images)]) for camid in args.camids
        ]
        rows.append(np.hstack([part for camera in cameras for part in (camera, gap)][:-1]))
    done, code = cv2.imencode(Path(args.out).suffix, np.vstack(rows))
    if not done:
        raise SystemExit(f'{args.out}: cv2 cannot write this format, use .png or .jpg')
    Path(args.out).write_bytes(code.tobytes())


if __name__ == '__main__':
    main()
