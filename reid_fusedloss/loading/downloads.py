"""Download and load a checkpoint."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch

from .checkpoint_files import load_checkpoint_file
from .checksums import CHUNK

_DIGEST = re.compile(r'-([0-9a-f]{8,64})\.\w+')  # name-<first digits of its SHA-256>.pth


def load_checkpoint_url(
    url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True
) -> Any:
    """Download a checkpoint once into PyTorch's cache, and load it as a local file.

    Replaces the function by which MMEngine 0.10.7 loads http(s)://, torchvision:// and OpenMMLab's
    checkpoints, for the same reason as `load_checkpoint_file`. A file that is already in the cache
    is used if its name contains its checksum. Other files are cached by URL, since two URLs may end
    with the same name.

    Args:
        url: URL of the file.
        model_dir: folder to download into; None: the cache of `torch.hub`.
        map_location: as in `torch.load`.
        progress: show a progress bar while downloading.
    """
    cache = Path(model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints'))
    name = os.path.basename(urlparse(url).path) or 'checkpoint'
    path = cache / name
    if not _has_digest_of_name(path):
        path = cache / hashlib.sha256(url.encode()).hexdigest()[:16] / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), progress=progress)
    return load_checkpoint_file(path, map_location)


def _has_digest_of_name(path: Path) -> bool:
    wanted = _DIGEST.search(path.name)
    if wanted is None or not path.is_file():
        return False
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest().startswith(wanted[1])
