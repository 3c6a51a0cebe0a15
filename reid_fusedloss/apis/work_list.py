"""List the images that a command line names, each with the state of its file."""

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from .sources import ImageSource, check_local, find_paths
from .video import check_boxes, crop_names, read_boxes, video_crops

VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.m4v', '.webm', '.mpg', '.mpeg')
LIST_SUFFIX = '.txt'


class WorkList:
    """The images of files, folders, globs and list files.

    Args:
        inputs: paths, not of videos. A `.txt` file is a list: one path per line, relative to the
            current folder.
        recursive: search subfolders too.

    Attributes:
        stamps: name -> size and modification time of the file, or 'missing'; each name once.

    Raises:
        FileNotFoundError: if an input does not exist; files named in a list may be missing.
        TypeError: if the inputs are a single path.
        ValueError: if a folder or a glob has no image, a list is invalid, or an input is a video.
    """

    def __init__(self, inputs: Sequence[str | os.PathLike], recursive: bool = False) -> None:
        if isinstance(inputs, (str, os.PathLike)):
            raise TypeError(f'inputs must be a sequence of paths, got one path: give [{inputs!r}]')
        self.inputs = [os.fspath(item) for item in inputs]
        videos = [item for item in self.inputs if item.lower().endswith(VIDEO_SUFFIXES)]
        if videos:
            raise ValueError(
                f'{videos[0]} is a video: use tools/extract_features.py --boxes FILE, with lines '
                'frame, id, x, y, w, h from a detector or a tracker'
            )
        self.stamps: dict[str, str] = {}
        for item in self.inputs:
            is_list = item.lower().endswith(LIST_SUFFIX) and os.path.isfile(item)
            paths = _read_list(item) if is_list else find_paths([item], recursive)
            self.stamps |= {path: _stamp(path) for path in paths}

    def sources(self, names: Collection[str]) -> list[ImageSource]:
        """Return these images, in the order of the inputs."""
        return [ImageSource(name) for name in self.stamps if name in names]


class VideoWorkList:
    """The crops of a video; see `video_crops`.

    Args:
        video: path.
        boxes: path of a text file of MOTChallenge.

    Attributes:
        stamps: name -> state of the video, and the box.

    Raises:
        FileNotFoundError, ValueError: as `video_crops`.
    """

    def __init__(self, video: str, boxes: str) -> None:
        self.inputs = [video, boxes]
        self.boxes = check_boxes(read_boxes(boxes))
        video_crops(video, self.boxes)
        state = _stamp(video)
        self.stamps = {
            name: f'{state} {_text(box)}'
            for name, box in zip(crop_names(video, self.boxes), self.boxes[:, 2:6])
        }

    def sources(self, names: Collection[str]) -> Iterator[ImageSource]:
        """Yield these crops, frame by frame."""
        return video_crops(self.inputs[0], self.boxes, names)


def work_list(
    inputs: Sequence[str], boxes: str | None = None, recursive: bool = False
) -> WorkList | VideoWorkList:
    """Build the work list for the arguments of a command line.

    Raises:
        TypeError, FileNotFoundError, ValueError: as `WorkList` and `VideoWorkList`; ValueError also
            if boxes are given without exactly one video.
    """
    if boxes is None:
        return WorkList(inputs, recursive)
    if len(inputs) != 1:
        raise ValueError(f'--boxes {boxes} needs exactly one video, got the inputs {list(inputs)}')
    return VideoWorkList(inputs[0], boxes)


def _read_list(path: str) -> list[str]:
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').split('\n')
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{path} must be UTF-8 text with one path per line, which it is not: {error}'
        ) from None
    paths = {line.strip(): number for number, line in enumerate(lines, start=1) if line.strip()}
    if not paths:
        raise ValueError(f'{path} lists no image: write one path per line')
    for name, number in paths.items():
        try:
            check_local(name)
        except ValueError as error:
            raise ValueError(f'line {number} of {path}: {error}') from None
        if os.path.isdir(name):
            raise ValueError(
                f'line {number} of {path}, {name}, is a folder: list files, or give '
                'the folder itself as input'
            )
    return list(paths)


def _stamp(path: str) -> str:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return 'missing'
    return f'{status.st_size} {status.st_mtime_ns}' if stat.S_ISREG(status.st_mode) else 'no file'


def _text(box: np.ndarray) -> str:
    return ' '.join(f'{value!r}' for value in box.tolist())
