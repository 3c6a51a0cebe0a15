"""The manifest of a gallery in a folder: what belongs to its present state."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..whole_file import PathLike

FORMAT = 'reid_fusedloss.gallery'
VERSION = 1
MANIFEST = 'manifest.json'


def is_saved(folder: PathLike, manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a folder holds the state of a manifest, and the state has these facts."""
    if any(manifest.get(key) != value for key, value in facts.items()):
        return False
    return Path(folder, MANIFEST).exists() and read_manifest(folder)['state'] == manifest['state']


def read_manifest(folder: PathLike) -> dict[str, Any]:
    """Read the manifest of a gallery.

    Raises:
        FileNotFoundError: if the folder has no manifest.
        ValueError: if it is corrupt, or of another version.
    """
    path = Path(folder, MANIFEST)
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f'no gallery in {folder} ({MANIFEST} is missing): check the path, or build one'
        ) from None
    except ValueError as error:
        raise ValueError(f'{path} is corrupt ({error}): build the gallery again') from None
    if not isinstance(manifest, dict) or manifest.get('format') != FORMAT:
        raise ValueError(
            f'{path} is not a manifest of a gallery of this package: give the folder of one'
        )
    if manifest.get('version') != VERSION:
        raise ValueError(
            f'{folder} holds a gallery of version {manifest.get("version")!r}, this '
            f'package reads version {VERSION}: build it again, or use the version of the package '
            'that wrote it'
        )
    if not isinstance(manifest.get('state'), str):
        raise ValueError(f'{path} is corrupt (it names no state): build the gallery again')
    files = manifest.get('files')
    if not isinstance(files, dict) or not all(map(_is_described, files.values())):
        raise ValueError(f'{path} is corrupt (it names no files): build the gallery again')
    return manifest


def _is_described(facts: Any) -> bool:
    return (
        isinstance(facts, dict)
        and isinstance(facts.get('file'), str)
        and {'size', 'crc32'} <= facts.keys()
    )
