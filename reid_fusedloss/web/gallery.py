"""From a folder of images to a gallery."""
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..apis import ReIDInferencer
from ..datasets.file_names import compile_pattern
from ..search import GalleryIndex

PATTERN = r'(?P<pid>-?\d+)_c(?P<camid>\d+)'  # of Market-1501 and those that follow it
NOBODY = ('-1', '0000')  # what they call a bad detection, and a person who is nobody's match


def build_gallery(inferencer: ReIDInferencer, images: Any,
                  pattern: str = PATTERN) -> tuple[GalleryIndex, dict[str, str]]:
    """Features of all images in an exact index, each entry under the absolute path of its file.

    Args:
        inferencer: makes the features.
        images: paths, folders or globs.
        pattern: regular expression, matched at the start of a file's name, with the groups `pid`
            and, where there are cameras, `camid`; of names that do not fit both stay unknown, and so does the identity of
            `NOBODY`.

    Returns:
        The index, and name -> reason of the images that could not be read.

    Raises:
        FileNotFoundError, TypeError, ValueError: if there is no image, or the pattern is wrong.
        ImportError: if faiss is not installed.
    """
    regex = compile_pattern(pattern)
    extraction = inferencer(images)
    if not extraction.names:
        raise ValueError(f'none of the {len(extraction.unreadable)} images of the gallery can be '
                         f'read: {next(iter(extraction.unreadable.values()), "there is none")}')
    matches = [regex.match(Path(name).name) for name in extraction.names]
    found = [match.groupdict() if match else {} for match in matches]
    index = GalleryIndex(extraction.features.shape[1])
    index.add(extraction.features, [str(Path(name).resolve()) for name in extraction.names],
              pids=[None if pid in NOBODY else pid for pid in (groups.get('pid') for groups in found)],
              camids=[groups.get('camid') for groups in found], duplicates='skip')
    return index, extraction.unreadable


def missing_files(index: GalleryIndex) -> Iterator[str]:
    """Names of entries that are no files here."""
    return (entry.name for entry in index.entries if not Path(entry.name).is_file())
