"""Options of the metric, checked before anything is computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..functional.distance import DISTANCES
from ..functional.ranking.evaluate import (
    EXPANSION_KEYS,
    RERANK_KEYS,
    check_together,
    make_observers,
)
from ..functional.ranking.labels import CAMERA
from ..functional.ranking.options import check_keys
from ..functional.ranking.protocols import ProtocolOption, RankingProtocol, make_protocol
from ..functional.ranking.ranking_result import check_topk
from ..functional.reranking.query_expansion import check_query_expansion_options
from ..functional.reranking.rerank import check_rerank_options
from .embeddings import LABEL_KEYS
from .pooling import check_pool

Options = Mapping[str, Any] | None
RERANKED = 'rerank'


def copied(options: Options) -> Options:
    """Copy options, so that later changes of the dict given do not reach the metric.

    What is not a mapping is returned as it is, for the checks to reject.
    """
    return dict(options) if isinstance(options, Mapping) else options


def check_prefixes(prefix: object, rerank_prefix: object) -> None:
    """Check that results and re-ranked results have different prefixes.

    Raises:
        TypeError: if one is not a string.
        ValueError: if they are the same.
    """
    if not isinstance(prefix, str) or not isinstance(rerank_prefix, str):
        raise TypeError(
            f'prefixes are strings, got prefix={prefix!r}, rerank_prefix={rerank_prefix!r}'
        )
    if prefix == rerank_prefix:
        raise ValueError(f'prefix={prefix!r} and rerank_prefix are the same: name two')


def plan_rankings(
    names: Sequence[str], prefixes: Mapping[str, str], compare: bool, reranked: bool
) -> dict[str, dict[str, str]]:
    """List the ways to rank by each feature.

    Args:
        names: of the features, the first of them the one that is reported.
        prefixes: prefix of the results -> a distance or 'rerank', by which it is reported.
        compare: rank by all features and distances.
        reranked: with `compare`, re-rank each feature too.

    Returns:
        Feature -> prefix -> a distance or 'rerank'.
    """
    if not compare:
        return {names[0]: dict(prefixes)}
    kinds = [*DISTANCES, *([RERANKED] if reranked else [])]
    plan = {name: {f'{name}_{kind}': kind for kind in kinds} for name in names}
    first = plan[names[0]].items()
    others = {prefix: kind for prefix, kind in first if kind not in prefixes.values()}
    plan[names[0]] = {**prefixes, **others}
    return plan


def check_reports(
    topk: Sequence[int],
    tpr_at_fpr: Sequence[float],
    single_shot: Options,
    open_set: Options,
    rerank: Options,
    query_expansion: Options,
    protocol: RankingProtocol,
) -> None:
    """Check the options of the reports; arguments as of `ReIDMetric`.

    Raises:
        TypeError, ValueError: if an option is unknown or out of range, or two do not go together.
    """
    check_keys('rerank', {} if rerank is None else rerank, RERANK_KEYS)
    check_rerank_options(**(rerank or {}))
    check_keys(
        'query_expansion', {} if query_expansion is None else query_expansion, EXPANSION_KEYS
    )
    check_query_expansion_options(**(query_expansion or {}))
    check_topk(topk)
    if not topk:
        raise ValueError('topk is empty: name a rank of the CMC, such as 1')
    make_observers(topk, tpr_at_fpr, single_shot, open_set)
    # open-set figures are of plain distances only, also if the metric re-ranks too
    drawn = protocol.draws is not None
    check_together(protocol, single_shot, open_set, query_expansion, rerank if drawn else None)


def checked_protocol(
    option: ProtocolOption, use_cameras: bool, pool: Options
) -> tuple[RankingProtocol, tuple[str, ...]]:
    """Make the protocol and list the labels that it and the pooling need of each image.

    Raises:
        TypeError, ValueError: if it is unknown, or contradicts use_cameras or pool.
    """
    protocol = make_protocol(option)
    if not use_cameras and CAMERA in protocol.reads and not protocol.lenient:
        raise ValueError(
            f'protocol {protocol.name!r} reads the cameras: leave out use_cameras=False'
        )
    if pool is not None:
        check_pool(pool, protocol.name, protocol.one_set)
        if pool['by'] == 'pid_camid' and not use_cameras:
            raise ValueError("pool by='pid_camid' reads the cameras: leave out use_cameras=False")
    tracks = ('track',) if pool is not None and pool['by'] == 'track' else ()
    needs = dict.fromkeys([*protocol.reads, *tracks])
    return protocol, tuple(name for name in needs if name in LABEL_KEYS)


def usable_device(name: str) -> torch.device:
    """Check that a device exists, and return it.

    Raises:
        ValueError: if it does not.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(
            f"device must be a PyTorch device such as 'cpu' or 'cuda', got {name!r}"
        ) from error
    if device.type == 'cuda' and not torch.cuda.is_available():
        raise ValueError(f"device={name!r}, but PyTorch sees no GPU here: use device='cpu'")
    return device
