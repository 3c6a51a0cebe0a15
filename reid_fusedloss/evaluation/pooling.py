"""Pool several images of a person: multi-query, tracklets."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..checks import check_choice, check_flag
from ..functional.pooling import check_pooling, pool_features
from ..functional.ranking.options import check_keys
from .embeddings import EmbeddingTable

BY = ('track', 'pid_camid')
KEYS = ('by', 'how', 'k', 'junk')


def check_pool(pool: Mapping[str, Any], protocol: str, one_set: bool) -> None:
    """Refuse options of `pool_table` that are unknown, out of range, or contradict the protocol.

    Args:
        pool: the options.
        protocol: name of the protocol.
        one_set: whether queries and gallery are the same images.

    Raises:
        TypeError, ValueError: it names the option.
    """
    check_keys('pool', pool, KEYS)
    check_choice('pool.by', pool.get('by'), BY)
    check_pooling(pool.get('how', 'mean'), pool.get('k', 1))
    check_flag('pool.junk', pool.get('junk', False))
    if one_set:
        raise ValueError(f'protocol {protocol!r} ranks single images: leave out pool')
    if pool.get('junk') and (pool['by'] != 'pid_camid' or protocol != 'same_camera'):
        raise ValueError(
            "pool.junk=True takes in what the ranking leaves out by protocol 'same_camera': it "
            f'goes with that and with by="pid_camid", got {protocol!r} and by={pool["by"]!r}'
        )


def pool_table(
    table: EmbeddingTable, by: str, how: str = 'mean', k: int = 1, junk: bool = False
) -> EmbeddingTable:
    """Pool several images of a person into one row of the table; see `pool_features`.

    Args:
        table: all images; rows of one group keep the labels of their first image.
        by: 'track': images of one identity, camera and track, in query and in gallery; 'pid_camid':
            queries of one identity and camera (multi-query, Zheng et al., ICCV 2015).
        how: 'mean', 'quality' or 'best'.
        k: of 'best'.
        junk: pool into a query the gallery images of its identity and camera too; they stay in the
            gallery, where the standard protocol leaves them out of that query's ranking.

    Raises:
        ValueError: as `pool_features`, or if images to be grouped by camera have none.
    """
    columns = table.columns
    is_query = np.array(columns['is_query'], dtype=bool)
    if by == 'pid_camid' and None in columns['camid']:
        raise ValueError("pool by='pid_camid' needs the camera of each image, and some have none")
    keys = [key for key in ('pid', 'camid') if None not in columns[key]]
    if by == 'track':
        members, alone = np.arange(len(is_query)), np.empty(0, dtype=np.int64)
        keys.append('track')
    else:
        members, alone = np.flatnonzero(is_query), np.flatnonzero(~is_query)
    if junk:
        asked = {(columns['pid'][row], columns['camid'][row]) for row in members}
        wanted = [(columns['pid'][row], columns['camid'][row]) in asked for row in alone]
        members = np.append(members, alone[wanted])
    labels = [[columns[key][row] for row in members] for key in keys]
    if by == 'track':
        labels.append([int(columns['is_query'][row]) for row in members])
    features, rows = {}, alone
    for name, feature in table.features.items():
        pooled = pool_features(feature[members], *labels, how=how, k=k)
        features[name] = np.concatenate([pooled.features.numpy(), feature[alone]])
        rows = np.append(members[pooled.first], alone)
    return EmbeddingTable(
        features, {key: [column[row] for row in rows] for key, column in columns.items()}
    )
