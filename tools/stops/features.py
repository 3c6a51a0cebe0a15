"""Scenarios that extract features into a folder."""

from pathlib import Path
from typing import Any

from reid_fusedloss.apis import load_shards
from reid_fusedloss.apis.extract_files import extract_to_folder
from reid_fusedloss.apis.work_list import WorkList

from .scenarios import MODEL, Scenario, write_images

SHARD_SIZE = 4


def run(folder: Path) -> None:
    """Run `extract photos --out features`."""
    extract_to_folder(MODEL, WorkList([str(folder / 'photos')]), folder / 'features', SHARD_SIZE)


def result(folder: Path) -> Any:
    """Read the features by name, and the names of unreadable images."""
    out = folder / 'features'
    left = [
        path.name
        for path in out.iterdir()
        if path.name not in ('manifest.json', '.lock') and not path.match('shard_??????.npz')
    ]
    assert not left, f'left over: {left}'
    shards = list(load_shards(out))
    rows = [
        (Path(name).name, row.tobytes())
        for shard in shards
        for name, row in zip(shard.names, shard.features)
    ]
    return sorted(rows), sorted(Path(name).name for shard in shards for name in shard.unreadable)


def first(folder: Path) -> None:
    """Write nine images, one of them corrupt."""
    write_images(folder / 'photos', 0, 9)
    (folder / 'photos' / '0000_c0_0.png').write_bytes(b'broken')


def changed(folder: Path) -> None:
    """Extract features, then change, remove and add images."""
    first(folder)
    run(folder)
    write_images(folder / 'photos', 3, 5, version=1)
    for number in (5, 6, 7):  # with 4, which changed, all of the second shard
        next((folder / 'photos').glob(f'*_{number}.png')).unlink()
    write_images(folder / 'photos', 9, 12)


SCENARIOS = {'first': Scenario(first, run, result), 'changed': Scenario(changed, run, result)}
