"""Convert image files to the records of a data set."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..logs import log
from .file_names import ImageFile, Label, to_labels

FURTHER = ('clothes', 'track')  # labels that a record has only if the data has them


def to_records(by_role: Mapping[str, Sequence[ImageFile]]) -> list[dict[str, Any]]:
    """Make the records of all roles in order; equal texts get equal labels in all roles.

    Args:
        by_role: image files of 'train', or of 'query' and 'gallery'.

    Returns:
        `{img_path, pid, camid, is_query}` for each image, and `clothes` and `track` where the data
        set has them. `camid` is None for data without cameras.

    Raises:
        ValueError: if some images have a camera, clothes or a track and others have none.
    """
    files = [file for part in by_role.values() for file in part]
    tables = {key: _labels(files, key) for key in ('pid', 'camid', *FURTHER)}
    further = [key for key in FURTHER if tables[key]]
    return [
        dict(
            img_path=file.path,
            pid=tables['pid'][file.pid],
            camid=None if file.camid is None else tables['camid'][file.camid],
            is_query=role == 'query',
            **{key: tables[key][getattr(file, key)] for key in further},
        )
        for role, part in by_role.items()
        for file in part
    ]


def keep_first_ids(
    records: list[dict[str, Any]], max_ids: int, split: str, name: str
) -> list[dict[str, Any]]:
    """Keep the records of the first identities in sorted order, and log how many these are.

    Args:
        records: of all images.
        max_ids: number of identities to keep.
        split: of a 'train' split all identities count, of a 'test' split those of the queries.
        name: of the data set, for the log.
    """
    asked = {record['pid'] for record in records if record['is_query'] or split == 'train'}
    kept = set(sorted(asked)[:max_ids])
    part = [record for record in records if record['pid'] in kept]
    log(
        f'{name} {split}: max_ids={max_ids} keeps {len(kept)} of {len(asked)} identities, '
        f'{len(part)} of {len(records)} images'
    )
    return part


def _labels(files: Sequence[ImageFile], key: str) -> dict[str, Label]:
    texts = [getattr(file, key) for file in files]
    known = {text for text in texts if text is not None}
    if known and None in texts:
        raise ValueError(
            f'{texts.count(None)} of {len(texts)} images have no {key}, '
            f'{files[texts.index(None)].path} for one, and the others have one: give {key} to all '
            'images of the split or to none'
        )
    return to_labels(known)
