"""Read a folder of features."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .extraction import Extraction, join_extractions
from .feature_files import read_extraction, read_stamps

MANIFEST, SHARD = 'manifest.json', 'shard_{:06d}.npz'
FORMAT = 1
KEYS = dict(finished=bool, feat_dims=int, made_by=dict, inputs=list)


def load_shards(folder: str | Path, partial: bool = False) -> Iterator[Extraction]:
    """Yield the features of a folder shard by shard.

    Args:
        folder: of a `FeatureStore`.
        partial: accept an unfinished extraction too.

    Raises:
        FileNotFoundError: if it is not a folder of features.
        ValueError: if the extraction is unfinished, unless `partial`; if a shard is corrupt, or
            another process changes the folder meanwhile.
    """
    folder = Path(folder)
    before = _contents(folder)
    if not read_manifest(folder)['finished'] and not partial:
        raise ValueError(
            f'the extraction to {folder} is running, or was stopped: run its command '
            'again, or read what is there with partial=True'
        )

    def shards() -> Iterator[Extraction]:
        try:
            yield from map(read_extraction, paths_of_shards(folder))
            changed = not partial and _contents(folder) != before
        except FileNotFoundError:
            changed = True
        if changed:
            raise ValueError(f'{folder} has changed while it was read: read it again') from None

    return shards()


def load_stamps(folder: str | Path) -> dict[str, str]:
    """Read name -> state of the image file, for each image that has features in a folder.

    Raises:
        FileNotFoundError, ValueError: as `load_shards`.
    """
    return {
        name: stamp
        for path in paths_of_shards(Path(folder))
        for name, stamp in read_stamps(path).read.items()
    }


def load_extraction(path: str | Path, partial: bool = False) -> Extraction:
    """Read the output of tools/extract_features.py.

    Args:
        path: its .npz file or its folder. In a folder that was updated, new images come last.
        partial: accept a folder whose extraction is unfinished too.

    Raises:
        FileNotFoundError, ValueError: as `load_shards`; ValueError also for a file of another kind.
    """
    path = Path(path)
    if not path.is_dir():
        return read_extraction(path)
    return join_extractions(load_shards(path, partial), read_manifest(path)['feat_dims'])


def paths_of_shards(folder: Path) -> list[Path]:
    """Return the shards of a folder, in order."""
    return sorted(folder.glob(f'shard_{"[0-9]" * 6}.npz'))


def _contents(folder: Path) -> list[tuple[str, int, int]]:
    """Return a snapshot that changes when the folder is written to."""
    found = []
    for path in paths_of_shards(folder):
        with suppress(FileNotFoundError):
            state = path.stat()
            found.append((path.name, state.st_size, state.st_mtime_ns))
    return found


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a folder of features.

    Raises:
        FileNotFoundError: if it is not a folder of features.
        ValueError: if its manifest is corrupt, or of another version.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise FileNotFoundError(
            f'{folder} is not a folder of features, it has no {MANIFEST}: check the path'
        ) from None
    except (ValueError, OSError) as error:
        raise ValueError(
            f'{path} cannot be read ({error}): extract again to another folder'
        ) from None
    if not isinstance(manifest, dict) or manifest.get('format') != FORMAT:
        raise ValueError(f'{path} is of another kind or version: extract again to another folder')
    wrong = [key for key, kind in KEYS.items() if not isinstance(manifest.get(key), kind)]
    if wrong or not all(isinstance(name, str) for name in manifest['inputs']):
        raise ValueError(
            f'{path} is corrupt, in {wrong or "inputs"}: extract again to another folder'
        )
    return manifest
