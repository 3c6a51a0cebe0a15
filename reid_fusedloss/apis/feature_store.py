"""Write a folder of features: shards, each written atomically, and what computed them."""

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
    """State of a folder of features when it is opened again.

    Attributes:
        kept: number of images whose features are kept.
        modified: number of images whose files have changed; they must be extracted again.
        removed: number of images that are no longer in the work list.
        damaged: shards that could not be read.
    """

    kept: int
    modified: int
    removed: int
    damaged: list[str]


class FeatureStore:
    """Features of many images in one folder.

    A shard holds features (n, C), names (n,), and the unreadable images, each with the state of
    its file. `manifest.json` states what computed the features. A killed process leaves complete
    shards, and the next run continues. Paths may be spelt differently than before, such as
    `./a.jpg` for `a.jpg`. Use it inside `hold_features`.

    Args:
        folder: created if it does not exist.
        made_by: `fingerprint` of the inferencer.
        inputs: paths that the user named; they must include those of earlier runs.
        feat_dims: C.

    Raises:
        ValueError: if the folder holds other files, features of another model, or features of
            inputs that are not named now.
    """

    def __init__(
        self, folder: Path, made_by: Mapping[str, Any], inputs: Sequence[str], feat_dims: int
    ) -> None:
        self.folder = folder
        self._known: set[str] = set()  # absolute paths
        self._manifest: dict[str, Any] = dict(
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
        """Keep the features of the images that are in the work list and have not changed.

        Shards with other images are rewritten without them; corrupt shards are removed.

        Args:
            stamps: name -> state of the file, of each image in the work list.
        """
        wanted = {os.path.abspath(name): stamp for name, stamp in stamps.items()}
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
                if wanted.get(place) == before[name] and place not in self._known
            }
            outdated = [places[name] in wanted for name in before if name not in valid]
            modified += sum(outdated)
            removed += len(outdated) - sum(outdated)
            if outdated:
                self._rewrite(path, valid, found)
            self._known |= {places[name] for name in valid}
        return Changes(len(self._known), modified, removed, damaged)

    def missing(self, stamps: Mapping[str, str]) -> set[str]:
        """Return the images of the work list that have no features yet, each file once."""
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
        """Mark the folder as finished, after a check of its shards.

        Args:
            stamps: name -> state of the file, of each image in the work list.

        Raises:
            RuntimeError: if an image is missing or stored twice, because files were removed from
                or copied into the folder meanwhile.
        """
        found: Counter[str] = Counter()
        for path in paths_of_shards(self.folder):
            shard = read_stamps(path)
            found.update(map(os.path.abspath, (*shard.read, *shard.unreadable)))
        wanted = set(map(os.path.abspath, stamps))
        missing, others = wanted - found.keys(), found.keys() - wanted
        twice = [name for name, count in found.items() if count > 1]
        if missing or others or twice:
            raise RuntimeError(
                f'{self.folder} was changed during the extraction: {len(missing)} '
                f'images are missing, {len(twice)} are stored twice, {len(others)} '
                'are not listed; run the command again'
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
                'cannot be compared; choose another --out'
            )
        inputs = {os.path.abspath(name) for name in self._manifest['inputs']}
        gone = [name for name in before['inputs'] if os.path.abspath(name) not in inputs]
        if gone:
            raise ValueError(
                f'{self.folder} also holds the features of {gone[:3]}, which would be '
                'removed: name these inputs too, or choose another --out'
            )

    def _write_manifest(self, finished: bool) -> None:
        manifest = dict(self._manifest, finished=finished)
        if manifest != self._written:
            with whole_file(self.folder / MANIFEST) as file:
                file.write(json.dumps(manifest, indent=2).encode())
            self._written = manifest


@contextmanager
def hold_features(folder: str | Path) -> Iterator[None]:
    """Lock a folder of features for writing; the lock ends with its process.

    Args:
        folder: created if it does not exist.

    Raises:
        FolderInUseError: if another process or thread holds it; the error names machine and
            process.
        ValueError: if the folder holds other files.
        OSError: if the folder cannot be written.
    """
    _check_own(Path(folder))
    with folder_lock(folder, 'choose another --out'):
        yield


def group(parts: Iterable[Extraction], least: int) -> Iterator[Extraction]:
    """Join batches until they have `least` images, read or not; the last group may have fewer.

    An interruption such as Ctrl-C is raised after the batches so far have been yielded.
    """
    gathered: list[Extraction] = []
    stopped: BaseException | None = None
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
    """Refuse a folder of other files; hidden files, such as those of a killed process, may be."""
    if (
        folder.exists()
        and not (folder / MANIFEST).is_file()
        and (not folder.is_dir() or any(not path.name.startswith('.') for path in folder.iterdir()))
    ):
        raise ValueError(
            f'{folder} is not a folder of features, and not empty: choose another --out'
        )
