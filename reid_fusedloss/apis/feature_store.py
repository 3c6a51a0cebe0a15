"""A folder of features: shards that are whole or not there, and what made them."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..folder_lock import folder_lock
from ..whole_file import remove_partials, whole_file
from .extraction import Extraction, join_extractions
from .feature_files import StampedNames, read_extraction, read_stamps, save_extraction
from .feature_folder import FORMAT, MANIFEST, SHARD, paths_of_shards, read_manifest
from .fingerprint import differences

SHARD_NAME = r'shard_[0-9]{6}\.npz'


@dataclass(frozen=True)
class Changes:
    """What a folder of features held when it was opened again.

    Attributes:
        kept: images that are there, and as they were.
        modified: images whose files are others now; they are to be extracted again.
        removed: images that are no longer asked for.
        damaged: shards that could not be read.
    """

    kept: int
    modified: int
    removed: int
    damaged: list[str]


class FeatureStore:
    """Features of many images in one folder.

    A shard holds features (n, C), names (n,), and what could not be read of its images, each with
    the state of its file. `manifest.json` says what made the features. A process that is killed
    leaves whole shards; the next one goes on. A path may be written in another way than before, as
    `./a.jpg` for `a.jpg`. To be used in `hold_features`.

    Args:
        folder: made if it does not exist.
        made_by: `fingerprint` of the inferencer.
        inputs: what the user asked for; those of before must be among them.
        feat_dims: C.

    Raises:
        ValueError: if the folder holds other things, features of another model, or of other inputs;
            it says which.
    """

    def __init__(
        self, folder: Path, made_by: Mapping[str, Any], inputs: Sequence[str], feat_dims: int
    ) -> None:
        self.folder = folder
        self._known: set[str] = set()  # absolute paths
        self._manifest = dict(
            format=FORMAT,
            finished=False,
            feat_dims=feat_dims,
            made_by=dict(made_by),
            inputs=list(inputs),
        )
        self._written: dict[str, Any] | None = None  # the manifest in the folder
        _check_own(folder)
        if (folder / MANIFEST).is_file():
            self._written = read_manifest(folder)
            self._check(self._written)
        remove_partials(folder, rf'manifest\.json|{SHARD_NAME}')

    def keep(self, stamps: Mapping[str, str]) -> Changes:
        """Keep what is still true: of images that are asked for, in the state that they had.

        Shards with outdated images are written again without them; damaged ones are removed.

        Args:
            stamps: by name, the state of the file of each image that is asked for.
        """
        asked = {os.path.abspath(name): stamp for name, stamp in stamps.items()}
        modified = removed = 0
        damaged = []
        for path in paths_of_shards(self.folder):
            try:
                found = read_stamps(path)
            except ValueError:
                damaged.append(path.name)
                self._remove(path)
                continue
            before = found.read | found.unreadable
            places = {name: os.path.abspath(name) for name in before}
            valid = {
                name
                for name, place in places.items()
                if asked.get(place) == before[name] and place not in self._known
            }
            outdated = [places[name] in asked for name in before if name not in valid]
            modified += sum(outdated)
            removed += len(outdated) - sum(outdated)
            if outdated:
                self._rewrite(path, valid, found)
            self._known |= {places[name] for name in valid}
        return Changes(len(self._known), modified, removed, damaged)

    def missing(self, stamps: Mapping[str, str]) -> set[str]:
        """Which of the images that are asked for are not known, each file once."""
        names = {os.path.abspath(name): name for name in stamps}
        return {name for place, name in names.items() if place not in self._known}

    def add(self, extraction: Extraction, stamps: Mapping[str, str]) -> None:
        """Write a shard."""
        self._write_manifest(finished=False)
        last = max(
            (int(path.stem.split('_')[1]) for path in paths_of_shards(self.folder)), default=-1
        )
        save_extraction(self.folder / SHARD.format(last + 1), extraction, stamps)
        self._known.update(map(os.path.abspath, (*extraction.names, *extraction.unreadable)))

    def finish(self, stamps: Mapping[str, str]) -> None:
        """Say that nothing is missing, after a look at what is there.

        Args:
            stamps: by name, the state of the file of each image that is asked for.

        Raises:
            RuntimeError: if an image is missing or there twice, as when files were removed or
                copied into the folder meanwhile.
        """
        found: Counter[str] = Counter()
        for path in paths_of_shards(self.folder):
            shard = read_stamps(path)
            found.update(map(os.path.abspath, (*shard.read, *shard.unreadable)))
        asked = set(map(os.path.abspath, stamps))
        missing, others = asked - found.keys(), found.keys() - asked
        twice = [name for name, count in found.items() if count > 1]
        if missing or others or twice:
            raise RuntimeError(
                f'{self.folder} was changed during the extraction: {len(missing)} '
                f'images are missing, {len(twice)} are there twice, {len(others)} '
                'were not asked for; give the command again'
            )
        self._write_manifest(finished=True)

    def _remove(self, path: Path) -> None:
        self._write_manifest(finished=False)
        path.unlink()

    def _rewrite(self, path: Path, valid: set[str], found: StampedNames) -> None:
        if not valid:
            self._remove(path)
            return
        self._write_manifest(finished=False)
        whole = read_extraction(path)
        rows = [row for row, name in enumerate(whole.names) if name in valid]
        part = Extraction(
            whole.features[rows],
            [whole.names[row] for row in rows],
            {name: reason for name, reason in whole.unreadable.items() if name in valid},
        )
        save_extraction(path, part, found.read | found.unreadable)

    def _check(self, before: Mapping[str, Any]) -> None:
        differing = differences(before['made_by'], self._manifest['made_by'])
        if differing:
            raise ValueError(
                f'{self.folder} holds features of {" and ".join(differing)}: they '
                'cannot be compared; give another --out'
            )
        inputs = {os.path.abspath(name) for name in self._manifest['inputs']}
        gone = [name for name in before['inputs'] if os.path.abspath(name) not in inputs]
        if gone:
            raise ValueError(
                f'{self.folder} holds the features of {gone[:3]} too, which would be '
                'removed: name them again, or give another --out'
            )

    def _write_manifest(self, finished: bool) -> None:
        manifest = dict(self._manifest, finished=finished)
        if manifest != self._written:
            with whole_file(self.folder / MANIFEST) as file:
                file.write(json.dumps(manifest, indent=2).encode())
            self._written = manifest


@contextmanager
def hold_features(folder: str | Path) -> Iterator[None]:
    """Be the only one who writes to a folder of features; the lock ends with its process.

    Args:
        folder: made where it does not exist.

    Raises:
        FolderInUseError: if another process or thread holds it; it names machine and process.
        ValueError: if the folder holds other things.
        OSError: if the folder cannot be written.
    """
    _check_own(Path(folder))
    with folder_lock(folder, 'give another --out'):
        yield


def group(parts: Iterable[Extraction], least: int) -> Iterator[Extraction]:
    """Batches joined until they have `least` images, read or not; the last may have fewer.

    What ends the batches early, such as Ctrl-C, is raised after those that are there are given.
    """
    gathered: list[Extraction] = []
    stopped = None
    try:
        for part in parts:
            gathered.append(part)
            if sum(len(part.names) + len(part.unreadable) for part in gathered) >= least:
                whole = join_extractions(gathered, part.features.shape[1])
                gathered = []
                yield whole
    except (Exception, KeyboardInterrupt) as error:
        stopped = error
    if gathered:
        yield join_extractions(gathered, gathered[0].features.shape[1])
    if stopped is not None:
        raise stopped


def _check_own(folder: Path) -> None:
    """Refuse a folder of other things; hidden ones, as of a killed process, do not count."""
    if (
        folder.exists()
        and not (folder / MANIFEST).is_file()
        and (not folder.is_dir() or any(not path.name.startswith('.') for path in folder.iterdir()))
    ):
        raise ValueError(f'{folder} is no folder of features, and not empty: give another --out')
