"""A gallery index to a folder and back."""

import logging
from io import TextIOWrapper
from typing import Any

from mmengine.logging import print_log

from .build import check_built
from .contents import State
from .entries import Entries, from_lines, to_line
from .gallery_index import GalleryIndex
from .kinds import describe_kind, faiss_errors, load_faiss
from .open_set import OpenSetThreshold
from .storage import (
    ROWS,
    VECTORS,
    CheckedFile,
    PathLike,
    is_saved,
    opened_files,
    read_manifest,
    write_state,
)

ATTEMPTS = 100  # of reading while another process writes


def save_index(index: GalleryIndex, folder: PathLike) -> bool:
    """Write what has changed of a gallery, whole or not at all: a crash leaves the old state.

    One process writes at a time; a second one, and one that read an older state, is refused. To
    know that before the work is done, load, change and save in `hold_index`.

    Args:
        index: it may be changed and saved again; one that the folder holds as it is is not written.
        folder: made where it does not exist.

    Returns:
        Whether anything was written.

    Raises:
        ValueError: if the folder holds a gallery that this one was not loaded from, or that was
            changed since, or other things, or another process is writing to it.
        RuntimeError: if a change of the index failed halfway.
    """
    with index.contents.changing() as state:
        count = len(state.entries)
        if state.vectors is not None and state.vectors.ntotal != count:
            raise RuntimeError(
                f'the index has {state.vectors.ntotal} vectors for {count} entries, '
                'a change of it failed: load it again'
            )
        threshold = None if index.threshold is None else index.threshold.as_dict()
        facts = dict(
            kind=describe_kind(state.kind),
            dims=index.dims,
            count=count,
            model=index.model,
            threshold=threshold,
            pattern=index.pattern,
        )
        unsaved = index.contents.unsaved
        if not unsaved and index.manifest and is_saved(folder, index.manifest, facts):
            return False
        writers = {ROWS: lambda file: _write_rows(state.entries, file)}
        if state.vectors is not None:
            writers[VECTORS] = lambda file: _write_vectors(state.vectors, file)
        index.manifest = write_state(folder, facts, writers, unsaved, index.manifest)
        unsaved.clear()
        return True


def load_index(folder: PathLike) -> GalleryIndex:
    """Read a gallery that `save_index` wrote; nothing is written, and others may write meanwhile.

    Raises:
        FileNotFoundError: if there is none, or a file of it is missing.
        ValueError: if it is damaged, or of another version.
        ImportError: if faiss is not installed.
    """
    for _attempt in range(ATTEMPTS):
        manifest = read_manifest(folder)
        try:
            return _load_state(folder, manifest)
        except FileNotFoundError:  # a writer was faster, or it is damaged
            if read_manifest(folder) == manifest:
                raise
    raise FileNotFoundError(f'{folder} was written again {ATTEMPTS} times while it was read')


def _load_state(folder: PathLike, manifest: dict[str, Any]) -> GalleryIndex:
    with opened_files(folder, manifest) as files:
        try:
            index = GalleryIndex(manifest['dims'], manifest['kind'], manifest['model'])
            index.pattern = manifest.get('pattern')
            if manifest['threshold'] is not None:
                index.threshold, warning = OpenSetThreshold.from_dict(manifest['threshold'])
                if warning:
                    print_log(f'{folder}: {warning}', logger='current', level=logging.WARNING)
            count, rows = manifest['count'], files[ROWS]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'the manifest in {folder} is damaged ({error}): build the gallery again'
            ) from None
        entries = Entries(from_lines(TextIOWrapper(rows, encoding='ascii', newline='\n')))
        vectors = _read_vectors(files[VECTORS], index) if VECTORS in files else None
    shape = (0, index.dims) if vectors is None else (vectors.ntotal, vectors.d)
    if shape != (count, index.dims) or len(entries) != count:
        raise ValueError(
            f'{folder} is damaged: {count} entries of width {index.dims} according to '
            f'its manifest, {len(entries)} lines, vectors of shape {shape}'
        )
    index.contents.replace(State(index.kind, vectors, entries))
    index.contents.unsaved.clear()
    index.manifest = manifest
    return index


def _read_vectors(file: Any, index: GalleryIndex) -> Any:
    faiss = load_faiss()
    try:
        with faiss_errors(f'read {file.name}'):
            vectors = faiss.read_index(faiss.PyCallbackIOReader(file.read))
    except RuntimeError as error:
        raise ValueError(
            f'{error}; its checksum is right: was it written by a newer faiss?'
        ) from None
    try:
        check_built(index.kind, vectors)
    except ValueError as error:
        raise ValueError(
            f'{file.name} does not fit its manifest: {error}; build the gallery again'
        ) from None
    return vectors


def _write_vectors(vectors: Any, file: CheckedFile) -> None:
    faiss = load_faiss()
    with faiss_errors('write an index'):
        faiss.write_index(vectors, faiss.PyCallbackIOWriter(file.write))


def _write_rows(entries: Entries, file: CheckedFile) -> None:
    for entry in entries:
        file.write(f'{to_line(entry)}\n'.encode('ascii'))
