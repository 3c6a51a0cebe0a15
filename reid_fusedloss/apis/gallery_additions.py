"""Add images to a gallery: at the end, or to a server as they are done."""

from collections.abc import Mapping, Sequence

from ..search import Gallery
from .extraction import Extraction, join_extractions
from .extractor import FeatureExtractor
from .gallery_files import STAMP
from .labels import parse_labels
from .sources import ImageSource

AT_ONCE = 1024  # images of an addition to a server

Added = tuple[list[str], dict[str, str]]


def add_images(
    index: Gallery, inferencer: FeatureExtractor, stamps: Mapping[str, str], pattern: str
) -> Added:
    """Compute the features of images and add them to a gallery.

    What is done is added also if it is interrupted; the interruption is raised then.

    Args:
        index: the gallery; one on a server gets the images as they are done.
        inferencer: computes the features.
        stamps: absolute path -> state, of each image.
        pattern: see `parse_labels`.

    Returns:
        Names that were added, and name -> reason of images that could not be read.
    """
    names = list(stamps)
    size = AT_ONCE if index.on_server else max(1, len(names))
    added: list[str] = []
    unreadable: dict[str, str] = {}
    for first in range(0, len(names), size):
        found, stopped = _extract(inferencer, names[first : first + size])
        try:
            infos = {name: {STAMP: stamps[name]} for name in found.names}
            added += add_labelled(index, found, infos, pattern)
        except ValueError:
            if stopped is None:
                raise
        if stopped is not None:
            raise stopped
        unreadable |= found.unreadable
    return added, unreadable


def add_labelled(
    index: Gallery, found: Extraction, infos: Mapping[str, Mapping[str, str] | None], pattern: str
) -> list[str]:
    """Add features with the labels of their names; return the names.

    Args:
        index: the gallery; existing entries of these names are replaced.
        found: the features.
        infos: name -> info.
        pattern: see `parse_labels`.
    """
    labels = [parse_labels(name, pattern) for name in found.names]
    return index.add(
        found.features,
        found.names,
        pids=[pid for pid, _ in labels],
        camids=[camid for _, camid in labels],
        infos=[infos[name] for name in found.names],
        duplicates='replace',
    )


def _extract(
    inferencer: FeatureExtractor, names: Sequence[str]
) -> tuple[Extraction, BaseException | None]:
    """Return features of files, and what interrupted their extraction, or None."""
    parts: list[Extraction] = []
    stopped: BaseException | None = None
    try:
        for part in inferencer.extract([ImageSource(name) for name in names]):
            parts.append(part)
    except (Exception, KeyboardInterrupt) as error:
        stopped = error
    return join_extractions(parts, inferencer.feat_dims), stopped
