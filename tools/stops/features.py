"""Stops of an extraction into a folder of features."""

from pathlib import Path
from typing import Any

from reid_fusedloss.apis import load_shards
from reid_fusedloss.apis.extract_files import extract_to_folder
from reid_fusedloss.apis.work_list import WorkList

from .scenarios import FileFeatures, Scenario, write_images

SHARD_SIZE = 4


def run(folder: Path) -> None:
    """`extract photos --out features`."""
    extract_to_folder(
        FileFeatures(), WorkList([str(folder / 'photos')]), folder / 'features', SHARD_SIZE
    )


def result(folder: Path) -> Any:
    """Features by name, and what could not be read."""
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
    """Nine images, one of them broken."""
    write_images(folder / 'photos', 0, 9)
    (folder / 'photos' / '0000_c0_0.png').write_bytes(b'broken')


def changed(folder: Path) -> None:
    """An extraction of before; then images are changed, removed, added."""
    first(folder)
    run(folder)
    write_images(folder / 'photos', 3, 5, version=1)
    for number in (5, 6, 7):  # with 4, which has changed, the whole second shard
        next((folder / 'photos').glob(f'*_{number}.png')).unlink()
    write_images(folder / 'photos', 9, 12)


SCENARIOS = {'first': Scenario(first, run, result), 'changed': Scenario(changed, run, result)}
