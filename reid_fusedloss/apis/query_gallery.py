"""Features of queries and a gallery whose names say who is in them, as an evaluation takes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..datasets.file_names import ImageFile, parse_names, to_labels
from ..evaluation.embeddings import EmbeddingTable
from .extraction import Extraction

MARKET1501 = r'(?P<pid>-?\d+)_c(?P<camid>\d+)'
JUNK = ('-1',)  # what Market-1501 calls those that it knows nothing of


def label_names(
    query: Extraction,
    gallery: Extraction,
    pattern: str = MARKET1501,
    junk_pids: Sequence[str] = JUNK,
) -> EmbeddingTable:
    """A table for `save_features`: features with the identities and cameras of the names.

    Args:
        query: features of the queries.
        gallery: features of the gallery.
        pattern: regular expression on base names with the group `pid` and, where there are cameras,
            `camid`; the default is that of Market-1501's names.
        junk_pids: identities that are left out.

    Raises:
        TypeError, ValueError: as `parse_names`.
    """
    files: list[ImageFile] = []
    rows: list[np.ndarray] = []
    is_query: list[bool] = []
    for part, role in ((query, True), (gallery, False)):
        for name, row in zip(part.names, part.features):
            found = parse_names([Path(name)], pattern, junk_pids)
            files += found
            rows += [row] * len(found)
            is_query += [role] * len(found)
    pids = to_labels(file.pid for file in files)
    camids = to_labels(file.camid for file in files if file.camid is not None)
    columns = dict(
        sample_idx=list(range(len(files))),
        pid=[pids[file.pid] for file in files],
        camid=[camids.get(file.camid) for file in files],
        is_query=is_query,
        img_path=[file.path for file in files],
    )
    features = np.array(rows, np.float32).reshape(-1, query.features.shape[1])
    return EmbeddingTable(dict(embedding=features), columns)
