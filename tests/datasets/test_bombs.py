"""Files that claim more pixels than they hold: what is decoded by whom, and how much it takes."""

import os
import subprocess
import sys

import pytest

from reid_fusedloss.datasets.image_header import read_header
from reid_fusedloss.datasets.read_image import decode_image
from tests.datasets.bombs import BOMBS, HARMLESS, SIDE
from tests.tiny import REPOSITORY

MEGABYTE = 1024  # of the kilobytes of ru_maxrss
EVERY_WAY = """
import io, pathlib, resource, runpy, sys
import reid_fusedloss
import cv2, numpy as np
from PIL import Image
from reid_fusedloss.apis.sources import list_sources
from reid_fusedloss.datasets.load_image import LoadReIDImage, UnreadableImageError
from reid_fusedloss.visualization.canvas import load_image
from tests.datasets.bombs import BOMBS, HARMLESS

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

path = pathlib.Path('0001_c1_1.jpg')
path.write_bytes(HARMLESS['png'])
sheet = runpy.run_path(sys.argv[1])['read_folder'](path.parent, (8, 8))[1]
sheet(1, 1, 0)
before = peak()
for name, content in BOMBS.items():
    path.write_bytes(content)
    for backend in ('cv2', 'pillow'):
        try:
            LoadReIDImage(backend=backend)(dict(img_path=str(path)))
        except UnreadableImageError as error:
            print('refused:', error)
    assert load_image(path, 99) is None, name
    try:
        sheet(1, 1, 0)
    except SystemExit:
        pass
    try:
        opened = Image.open(io.BytesIO(content))
    except Exception:
        continue  # Pillow does not open it
    found, = list_sources(opened)
    assert found.problem or found.image.size < 9999, name
print('peak', peak() - before)
try:
    cv2.imdecode(np.frombuffer(BOMBS['jpeg after a restart'], np.uint8), 1)
except cv2.error as error:
    print('second line:', 'CV_IO_MAX_IMAGE_PIXELS' in str(error))
print('peak', peak() - before)
"""


@pytest.mark.slow
def test_every_decoder_stays_small(tmp_path):
    environment = {
        key: value for key, value in os.environ.items() if key != 'OPENCV_IO_MAX_IMAGE_PIXELS'
    }
    tool = REPOSITORY / 'tools' / 'contact_sheet.py'
    done = subprocess.run(
        [sys.executable, '-c', EVERY_WAY, str(tool)],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        env={**environment, 'PYTHONPATH': str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('refused:') == 2 * len(BOMBS)
    assert 'second line: True' in done.stdout
    peaks = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith('peak')]
    assert len(peaks) == 2 and max(peaks) < 200 * MEGABYTE


@pytest.mark.parametrize(
    'name',
    [
        name
        for name in BOMBS
        if name not in ('jpeg of two frames', 'png of two headers', 'apng', 'gif frame')
    ],
)
def test_the_claim_is_seen(name):
    """Of the others it is the second one, which no decoder here follows."""
    side = {'webp': 16383, 'webp lossless': 16383}.get(name, SIDE)
    size = read_header(BOMBS[name])[1:]
    assert size == ((16384, 32768) if name == 'tiff tile' else (side, side))


@pytest.mark.parametrize('name', HARMLESS)
def test_the_same_without_the_lie_is_read(name):
    assert read_header(HARMLESS[name])[1:] == (16, 16)
    assert decode_image(HARMLESS[name]).shape == (16, 16, 3)


@pytest.mark.parametrize(
    'content, reason',
    [
        (b'P6 30000 30000 255\n', 'is not one of JPEG, PNG'),
        (b'\xff\xd8' + b'\xff\xe0' * 9, 'frame'),
        (b'RIFF\0\0\0\0WAVE' + bytes(99), 'is not one of'),
        (b'BM' + bytes(9), 'header is truncated'),
        (b'RIFF\0\0\0\0WEBPALPH' + bytes(99), 'does not say its size'),
        (b'II*\0\xff\xff\xff\xff' + bytes(99), 'header is truncated'),
        (b'II*\0\x08\0\0\0' + bytes(99), 'does not say its size'),
        (b'GIF89a', 'header is truncated'),
        (b'RIFF\0\0\0\0WEBPVP8X', 'header is truncated'),
        (b'\x89PNG\r\n\x1a\n' + bytes(99), 'IHDR'),
        (b'\xff\xd8\xff\xd0' * 9 + b'\xff\xda', 'no frame header'),
        (b'\xff\xd8' + b'\xff\xe0\0\2' * 2**17, 'no frame header'),
    ],  # libjpeg would go on
    ids=range(12),
)
def test_what_has_no_size_is_not_decoded(content, reason, monkeypatch):
    monkeypatch.setattr('cv2.imdecode', None)
    with pytest.raises(ValueError, match=reason):
        decode_image(content)
