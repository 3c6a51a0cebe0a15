"""Crop the boxes of a detector or tracker from a video."""

import itertools
import math
import os
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from ..datasets.read_image import MAX_PIXELS
from ..logs import warn
from ..whole_file import PathLike
from .sources import ImageSource, check_local


def read_boxes(path: PathLike) -> np.ndarray:
    """Read boxes from a MOTChallenge text file, shape (N, columns), float64.

    A line is `frame, id, x, y, w, h, ...`; further columns (confidence, class, visibility) are
    kept, so that you can select rows by them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a value is not a number, lines differ in their length, or the path is a URL
            or a pipe.
    """
    check_local(os.fspath(path))
    try:
        with open(path, encoding='utf-8-sig') as file:  # NumPy would fetch an address
            boxes = np.loadtxt(file, delimiter=',', ndmin=2)
    except FileNotFoundError:
        raise FileNotFoundError(f'no boxes at {path}: check the path') from None
    except (ValueError, OSError) as error:
        raise ValueError(
            f'{path} is not a text file of boxes, frame, id, x, y, w, h: {error}'
        ) from None
    return boxes if boxes.size else np.empty((0, 6))


def video_crops(
    video: PathLike, boxes: PathLike | np.ndarray, only: Collection[str] | None = None
) -> Iterator[ImageSource]:
    """Images of the boxes, frame by frame; a frame is decoded once, and only if it has a box.

    They are called `VIDEO#frame12/id3`; a box without identity (id < 0), or the second of an
    identity in its frame, `VIDEO#frame12/box40` by its place among the boxes, from 1. A box is cut
    to its frame; one that then is empty, or whose frame does not exist, has a `problem` instead
    of an image, so that it is reported. `row` of a crop, and so `Extraction.indices`, is its row
    among the boxes, from 0. A line in the log says if the boxes look like x1, y1, x2, y2.

    Args:
        video: path of a file that OpenCV reads, of frames of at most 2**26 pixels.
        boxes: array (N, 6 or more) with columns frame, id, x, y, w, h, or a text file of these, see
            `read_boxes`. Frames count from 1, pixels from 0; edges are rounded to whole pixels.
        only: names of the crops that are wanted; None: all.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if OpenCV cannot open the video, its frames are too large, or the boxes have
            another form.
    """
    array = check_boxes(read_boxes(boxes) if isinstance(boxes, (str, os.PathLike)) else boxes)
    with _opened(video) as capture:  # report errors now, not at the first crop
        if only is None:
            _warn_of_corners(array, *_frame_size(capture))
        return _crops(os.fspath(video), array, only)


def crop_names(video: PathLike, boxes: np.ndarray) -> list[str]:
    """Return the names of the crops, in the order of the boxes; all are different.

    Args:
        video: as in `video_crops`.
        boxes: array, as in `video_crops`.
    """
    seen: Counter = Counter()
    names = []
    for number, (frame, identity) in enumerate(boxes[:, :2].astype(int).tolist(), start=1):
        seen[frame, identity] += 1
        unique = identity >= 0 and seen[frame, identity] == 1
        names.append(
            f'{os.fspath(video)}#frame{frame}/' + (f'id{identity}' if unique else f'box{number}')
        )
    return names


def _crops(video: str, boxes: np.ndarray, only: Collection[str] | None) -> Iterator[ImageSource]:
    names = crop_names(video, boxes)
    order = [
        row
        for row in np.argsort(boxes[:, 0], kind='stable').tolist()
        if only is None or names[row] in only
    ]
    wanted = itertools.groupby(order, key=lambda row: int(boxes[row, 0]))
    with _opened(video) as capture:
        at = 0  # frames that were read
        for frame, rows in wanted:
            while at < frame and capture.grab():
                at += 1
            image = capture.retrieve()[1] if at == frame else None
            for row in rows:
                crop = (
                    _crop(names[row], image, boxes[row, 2:6])
                    if image is not None
                    else ImageSource(
                        names[row],
                        problem=f'{video} has no frame {frame} that can be read: it ends '
                        f'after {at}',
                    )
                )
                yield crop._replace(row=row)


def _frame_size(capture: cv2.VideoCapture) -> tuple[int, int]:
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))


def _warn_of_corners(boxes: np.ndarray, width: int, height: int) -> None:
    """Warn if boxes exceed the frame, but would not if they were x1, y1, x2, y2."""
    x, y, w, h = boxes[np.isfinite(boxes).all(1), 2:6].T
    outside = (x + w > width) | (y + h > height)
    corners = (w > x) & (h > y) & (w <= width) & (h <= height)
    if outside.sum() * 4 > len(outside) and corners.all():
        warn(
            f'{outside.sum()} of {len(outside)} boxes reach out of the frames of {width} x '
            f'{height}, and all would fit as x1, y1, x2, y2: the columns are x, y, w, h, so '
            'subtract x1 from x2 and y1 from y2 if yours are corners'
        )


def _crop(name: str, image: np.ndarray, box: np.ndarray) -> ImageSource:
    height, width = image.shape[:2]
    x, y, w, h = box.tolist()
    if not all(map(math.isfinite, (x, y, w, h))):
        return ImageSource(name, problem=f'the box x={x}, y={y}, w={w}, h={h} is not finite')
    left, right = (min(max(round(edge), 0), width) for edge in (x, x + w))
    top, bottom = (min(max(round(edge), 0), height) for edge in (y, y + h))
    if right <= left or bottom <= top:
        return ImageSource(
            name,
            problem=f'the box x={x:g}, y={y:g}, w={w:g}, h={h:g} has no pixel '
            f'in the frame of {width} x {height}',
        )
    return ImageSource(name, image[top:bottom, left:right].copy())


@contextmanager
def _opened(video: PathLike) -> Iterator[cv2.VideoCapture]:
    check_local(os.fspath(video))
    if not os.path.isfile(video):
        raise FileNotFoundError(f'no video at {video}: check the path')
    capture = cv2.VideoCapture(os.fspath(video))
    try:
        if not capture.isOpened():
            raise ValueError(
                f'{video} cannot be opened as a video: OpenCV does not know the '
                'format, or the file is damaged'
            )
        width, height = _frame_size(capture)
        if width * height > MAX_PIXELS:  # the first frame is decoded on request
            raise ValueError(
                f'{video} has frames of {width} x {height}, more than {MAX_PIXELS} pixels'
            )
        yield capture
    finally:
        capture.release()


def check_boxes(boxes: np.ndarray) -> np.ndarray:
    """Return boxes as float64, shape (N, 6 or more).

    Raises:
        ValueError: if they have another form.
    """
    try:
        array = np.asarray(boxes, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f'boxes must be an array of numbers or a text file, got {boxes!r:.80}'
        ) from None
    if array.ndim != 2 or array.shape[1] < 6:
        raise ValueError(
            'boxes must have the columns frame, id, x, y, w, h, so shape (N, 6 or more), '
            f'got {array.shape}'
        )
    keys = array[:, :2]
    wrong = (keys != np.round(keys)).any(1) | ~np.isfinite(keys).all(1) | (keys[:, 0] < 1)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f'box {row + 1} has frame {keys[row, 0]:g} and id {keys[row, 1]:g}: '
            'frames must be whole numbers from 1, identities whole numbers'
        )
    return array
