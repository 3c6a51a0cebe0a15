"""A gallery index to a folder and back."""
import logging
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from .entries import Entries, from_lines, to_line
from .gallery_index import GalleryIndex
from .kinds import describe_kind, load_faiss
from .open_set import OpenSetThreshold
from .storage import PathLike, checked_file, read_manifest, write_state

VECTORS, ROWS = 'vectors.faiss', 'rows.jsonl'
ATTEMPTS = 5  # of reading while another process writes


def save_index(index: GalleryIndex, folder: PathLike) -> None:
    """Write a gallery whole or not at all: after a crash the folder holds its old state.

    One process writes at a time; a second one, and one that read an older state, is refused.

    Args:
        index: it may be changed and saved again.
        folder: made where it does not exist.

    Raises:
        ValueError: if the folder holds a gallery that this one was not loaded from, or that was
            changed since, or another process is writing to it.
    """
    writers = {ROWS: lambda path: _write_rows(index, path)}
    if index.vectors is not None:
        writers[VECTORS] = lambda path: load_faiss().write_index(index.vectors, str(path))
    threshold = None if index.threshold is None else index.threshold.as_dict()
    facts = dict(kind=describe_kind(index.kind), dims=index.dims, count=len(index),
                 model=index.model, threshold=threshold, pattern=index.pattern)
    index.manifest = write_state(folder, facts, writers, index.manifest)


def load_index(folder: PathLike) -> GalleryIndex:
    """Read a gallery that `save_index` wrote.

    Raises:
        FileNotFoundError: if there is none, or a file of it is missing.
        ValueError: if it is damaged, or of another version.
        ImportError: if faiss is not installed.
    """
    for attempt in range(ATTEMPTS):
        manifest = read_manifest(folder)
        try:
            return _load_state(folder, manifest)
        except FileNotFoundError:
            if read_manifest(folder) == manifest:
                raise
    raise FileNotFoundError(f'{folder} was written anew {ATTEMPTS} times while it was read')


def _load_state(folder: PathLike, manifest: dict[str, Any]) -> GalleryIndex:
    try:
        index = GalleryIndex(manifest['dims'], manifest['kind'], manifest['model'])
        index.pattern = manifest.get('pattern')
        if manifest['threshold'] is not None:
            index.threshold, warning = OpenSetThreshold.from_dict(manifest['threshold'])
            if warning:
                print_log(f'{folder}: {warning}', logger='current', level=logging.WARNING)
        count, files = manifest['count'], manifest['files']
        has_vectors = VECTORS in files
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'the manifest in {folder} is damaged ({error}): build the gallery '
                         'anew') from None
    lines = checked_file(folder, manifest, ROWS).read_text(encoding='ascii').splitlines()
    index.entries = Entries(from_lines(lines))
    if has_vectors:
        path = checked_file(folder, manifest, VECTORS)
        try:
            index.vectors = load_faiss().read_index(str(path))
        except RuntimeError as error:
            raise ValueError(f'faiss cannot read {path}, perhaps it is of a newer faiss: '
                             f'{error}') from None
    shape = (index.vectors.ntotal, index.vectors.d) if has_vectors else (0, index.dims)
    if shape != (count, index.dims) or len(index) != count:
        raise ValueError(f'{folder} is damaged: {count} entries of width {index.dims} according to '
                         f'its manifest, {len(index)} lines, vectors of shape {shape}')
    index.manifest = manifest
    return index


def _write_rows(index: GalleryIndex, path: Path) -> None:
    with path.open('w', encoding='ascii', newline='\n') as file:
        file.writelines(f'{to_line(entry)}\n' for entry in index.entries)
