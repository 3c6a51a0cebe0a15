"""What is in a folder of features, for those who read it."""

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
    """The features of a folder, a shard at a time.

    Args:
        folder: of a `FeatureStore`.
        partial: take an extraction that was stopped too.

    Raises:
        FileNotFoundError: if it is none.
        ValueError: if the extraction was not finished, unless `partial`; if a shard is damaged, or
            another process changes the folder meanwhile.
    """
    folder = Path(folder)
    before = _contents(folder)
    if not read_manifest(folder)['finished'] and not partial:
        raise ValueError(
            f'the extraction to {folder} is running, or was stopped: give its command '
            'again, or partial=True for what is there'
        )

    def shards() -> Iterator[Extraction]:
        try:
            yield from map(read_extraction, paths_of_shards(folder))
            changed = not partial and _contents(folder) != before
        except FileNotFoundError:
            changed = True
        if changed:
            raise ValueError(f'{folder} was changed while it was read: read it again') from None

    return shards()


def load_stamps(folder: str | Path) -> dict[str, str]:
    """By name, the state of the file of each image that has features in a folder.

    Raises:
        FileNotFoundError, ValueError: as `load_shards`.
    """
    return {
        name: stamp
        for path in paths_of_shards(Path(folder))
        for name, stamp in read_stamps(path).read.items()
    }


def load_extraction(path: str | Path, partial: bool = False) -> Extraction:
    """Read what tools/extract_features.py wrote.

    Args:
        path: its .npz file or its folder. In a folder that was brought up to date, new images come
            last.
        partial: take a folder whose extraction was stopped too.

    Raises:
        FileNotFoundError, ValueError: as `load_shards`; ValueError also for a file of another kind.
    """
    path = Path(path)
    if not path.is_dir():
        return read_extraction(path)
    return join_extractions(load_shards(path, partial), read_manifest(path)['feat_dims'])


def paths_of_shards(folder: Path) -> list[Path]:
    """The shards of a folder, in their order."""
    return sorted(folder.glob(f'shard_{"[0-9]" * 6}.npz'))


def _contents(folder: Path) -> list[tuple[str, int, int]]:
    """What changes when the folder is written to."""
    found = []
    for path in paths_of_shards(folder):
        with suppress(FileNotFoundError):
            state = path.stat()
            found.append((path.name, state.st_size, state.st_mtime_ns))
    return found


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a folder of features says of itself.

    Raises:
        FileNotFoundError: if it is none.
        ValueError: if its manifest is damaged, or of another version.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise FileNotFoundError(
            f'{folder} is no folder of features, it has no {MANIFEST}: check the path'
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
            f'{path} is damaged, in {wrong or "inputs"}: extract again to another folder'
        )
    return manifest
