"""Save a gallery index to a folder, and load it."""

from io import TextIOWrapper
from typing import Any

from ..logs import warn
from ..whole_file import PathLike
from .build import check_built
from .contents import State
from .entries import Entries, from_lines, to_line
from .faiss_library import faiss_errors, load_faiss
from .gallery_index import GalleryIndex
from .kinds import describe_kind
from .open_set import OpenSetThreshold
from .storage import ROWS, VECTORS, CheckedFile, is_saved, opened_files, read_manifest, write_state

ATTEMPTS = 100  # attempts to read while another process writes


def save_index(index: GalleryIndex, folder: PathLike) -> bool:
    """Write the changes of a gallery atomically: a crash leaves the old state.

    One process can write at a time; a second one, or one that read an older state, is refused. To
    find out before the work is done, load, change and save in `hold_index`.

    Args:
        index: it may be changed and saved again; if it has not changed, nothing is written.
        folder: created if it does not exist.

    Returns:
        Whether anything was written.

    Raises:
        ValueError: if the folder holds another gallery than this one was loaded from, or a newer
            state of it, or other files, or another process is writing to it.
        RuntimeError: if a change of the index failed halfway.
    """
    with index.contents.changing() as state:
        count = len(state.entries)
        if state.vectors is not None and state.vectors.ntotal != count:
            raise RuntimeError(
                f'the index has {state.vectors.ntotal} vectors for {count} entries '
                'because a change failed: load it again'
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
    """Load a gallery that `save_index` wrote; other processes may write to it meanwhile.

    Raises:
        FileNotFoundError: if there is no gallery, or one of its files is missing.
        ValueError: if it is corrupt, or of another version.
        ImportError: if faiss is not installed.
    """
    for _attempt in range(ATTEMPTS):
        manifest = read_manifest(folder)
        try:
            return _load_state(folder, manifest)
        except FileNotFoundError:  # a writer replaced the file, or the gallery is corrupt
            if read_manifest(folder) == manifest:
                raise
    raise FileNotFoundError(
        f'{folder} changed {ATTEMPTS} times while it was read: retry when fewer processes write'
    )


def _load_state(folder: PathLike, manifest: dict[str, Any]) -> GalleryIndex:
    with opened_files(folder, manifest) as files:
        try:
            index = GalleryIndex(manifest['dims'], manifest['kind'], manifest['model'])
            index.pattern = manifest.get('pattern')
            if manifest['threshold'] is not None:
                index.threshold, warning = OpenSetThreshold.from_dict(manifest['threshold'])
                if warning:
                    warn(f'{folder}: {warning}')
            count, rows = manifest['count'], files[ROWS]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'the manifest in {folder} is corrupt ({error}): build the gallery again'
            ) from None
        entries = Entries(from_lines(TextIOWrapper(rows, encoding='ascii', newline='\n')))
        vectors = _read_vectors(files[VECTORS], index) if VECTORS in files else None
    shape = (0, index.dims) if vectors is None else (vectors.ntotal, vectors.d)
    if shape != (count, index.dims) or len(entries) != count:
        raise ValueError(
            f'{folder} is corrupt: its manifest says {count} entries of width {index.dims}, but '
            f'it has {len(entries)} lines and vectors of shape {shape}: build the gallery again'
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
