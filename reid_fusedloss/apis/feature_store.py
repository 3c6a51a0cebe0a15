"""A folder of features: shards that are whole or not there, and what made them."""
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from ..whole_file import whole_file
from .extraction import Extraction, join_extractions
from .feature_files import StampedNames, read_extraction, read_stamps, save_extraction
from .fingerprint import differences

MANIFEST, SHARD = 'manifest.json', 'shard_{:06d}.npz'
FORMAT = 1
KEYS = dict(finished=bool, feat_dims=int, made_by=dict, inputs=list)


@dataclass(frozen=True)
class Changes:
    """What a folder of features held when it was opened again.

    Attributes:
        kept: images that are there, and as they were.
        modified: images whose files are others now; they are to be extracted again.
        removed: images that are no longer asked for.
        torn: shards that could not be read.
    """
    kept: int
    modified: int
    removed: int
    torn: list[str]


class FeatureStore:
    """Features of many images in one folder.

    A shard holds features (n, C), names (n,), and what could not be read of its images, each with
    the state of its file. `manifest.json` says what made the features. A process that is killed
    leaves whole shards; the next one goes on. One process writes at a time. A path may be written
    in another way than before, as `./a.jpg` for `a.jpg`.

    Args:
        folder: made if it does not exist.
        made_by: `fingerprint` of the inferencer.
        inputs: what the user asked for; those of before must be among them.
        feat_dims: C.

    Raises:
        ValueError: if the folder holds other things, features of another model, or of other inputs;
            it says which.
    """

    def __init__(self, folder: Path, made_by: Mapping[str, Any], inputs: Sequence[str],
                 feat_dims: int) -> None:
        self.folder = folder
        self._known: set[str] = set()  # absolute paths
        self._manifest = dict(format=FORMAT, finished=False, feat_dims=feat_dims,
                              made_by=dict(made_by), inputs=list(inputs))
        if (folder / MANIFEST).is_file():
            self._check(_read_manifest(folder))
        elif folder.exists() and (not folder.is_dir() or _visible(folder)):
            raise ValueError(f'{folder} is no folder of features, and not empty: give '
                             'another --out')
        for part in folder.glob('.shard_*.part'):
            part.unlink(missing_ok=True)
        self._write_manifest()

    def keep(self, stamps: Mapping[str, str]) -> Changes:
        """Keep what is still true: of images that are asked for, in the state that they had.

        Shards with outdated images are written anew without them; torn ones are removed.

        Args:
            stamps: by name, the state of the file of each image that is asked for.
        """
        asked = {os.path.abspath(name): stamp for name, stamp in stamps.items()}
        modified = removed = 0
        torn = []
        for path in _shards(self.folder):
            try:
                found = read_stamps(path)
            except ValueError:
                torn.append(path.name)
                path.unlink()
                continue
            before = found.read | found.unreadable
            places = {name: os.path.abspath(name) for name in before}
            valid = {name for name, place in places.items()
                     if asked.get(place) == before[name] and place not in self._known}
            outdated = [places[name] in asked for name in before if name not in valid]
            modified += sum(outdated)
            removed += len(outdated) - sum(outdated)
            if outdated:
                self._rewrite(path, valid, found)
            self._known |= {places[name] for name in valid}
        return Changes(len(self._known), modified, removed, torn)

    def missing(self, stamps: Mapping[str, str]) -> set[str]:
        """Which of the images that are asked for are not known, each file once."""
        names = {os.path.abspath(name): name for name in stamps}
        return {name for place, name in names.items() if place not in self._known}

    def add(self, extraction: Extraction, stamps: Mapping[str, str]) -> None:
        """Write a shard."""
        last = max((int(path.stem.split('_')[1]) for path in _shards(self.folder)), default=-1)
        save_extraction(self.folder / SHARD.format(last + 1), extraction, stamps)
        self._known.update(map(os.path.abspath, (*extraction.names, *extraction.unreadable)))

    def finish(self) -> None:
        """Say that nothing is missing."""
        self._manifest['finished'] = True
        self._write_manifest()

    def _rewrite(self, path: Path, valid: set[str], found: StampedNames) -> None:
        if not valid:
            path.unlink()
            return
        whole = read_extraction(path)
        rows = [row for row, name in enumerate(whole.names) if name in valid]
        part = Extraction(whole.features[rows], [whole.names[row] for row in rows],
                          {name: reason for name, reason in whole.unreadable.items()
                           if name in valid})
        save_extraction(path, part, found.read | found.unreadable)

    def _check(self, before: Mapping[str, Any]) -> None:
        differing = differences(before['made_by'], self._manifest['made_by'])
        if differing:
            raise ValueError(f'{self.folder} holds features of {" and ".join(differing)}: they '
                             'cannot be compared; give another --out')
        inputs = {os.path.abspath(name) for name in self._manifest['inputs']}
        gone = [name for name in before['inputs'] if os.path.abspath(name) not in inputs]
        if gone:
            raise ValueError(f'{self.folder} holds the features of {gone[:3]} too, which would be '
                             'removed: name them again, or give another --out')

    def _write_manifest(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_file(self.folder / MANIFEST) as file:
            file.write(json.dumps(self._manifest, indent=2).encode())


def load_shards(folder: Union[str, Path], partial: bool = False) -> Iterator[Extraction]:
    """The features of a folder, a shard at a time.

    Args:
        folder: of a `FeatureStore`.
        partial: take an extraction that was stopped too.

    Raises:
        FileNotFoundError: if it is none.
        ValueError: if the extraction was not finished, unless `partial`; if a shard is torn.
    """
    folder = Path(folder)
    if not _read_manifest(folder)['finished'] and not partial:
        raise ValueError(f'the extraction to {folder} was stopped: give its command again, or '
                         'partial=True for what is there')
    return map(read_extraction, _shards(folder))


def load_extraction(path: Union[str, Path], partial: bool = False) -> Extraction:
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
    return join_extractions(load_shards(path, partial), _read_manifest(path)['feat_dims'])


def group(parts: Iterable[Extraction], least: int) -> Iterator[Extraction]:
    """Batches joined until they have `least` images, read or not; the last may have fewer."""
    gathered: list[Extraction] = []
    for part in parts:
        gathered.append(part)
        if sum(len(part.names) + len(part.unreadable) for part in gathered) >= least:
            yield join_extractions(gathered, part.features.shape[1])
            gathered = []
    if gathered:
        yield join_extractions(gathered, gathered[0].features.shape[1])


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob(f'shard_{"[0-9]" * 6}.npz'))


def _visible(folder: Path) -> bool:
    """Whether it holds anything but hidden files, such as those of a killed process."""
    return any(not path.name.startswith('.') for path in folder.iterdir())


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise FileNotFoundError(f'{folder} is no folder of features, it has no {MANIFEST}: check '
                                'the path') from None
    except (ValueError, OSError) as error:
        raise ValueError(f'{path} cannot be read ({error}): extract anew to another '
                         'folder') from None
    if not isinstance(manifest, dict) or manifest.get('format') != FORMAT:
        raise ValueError(f'{path} is of another kind or version: extract anew to another folder')
    wrong = [key for key, kind in KEYS.items() if not isinstance(manifest.get(key), kind)]
    if wrong or not all(isinstance(name, str) for name in manifest['inputs']):
        raise ValueError(f'{path} is damaged, in {wrong or "inputs"}: extract anew to another '
                         'folder')
    return manifest
