"""Options of the metric, checked before anything is computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..functional.ranking.evaluate import (
    EXPANSION_KEYS,
    RERANK_KEYS,
    check_keys,
    check_plain,
    make_observers,
)
from ..functional.ranking.ranking_result import check_topk
from ..functional.reranking.query_expansion import check_query_expansion_options
from ..functional.reranking.rerank import check_rerank_options

Options = Mapping[str, Any] | None


def check_reports(
    topk: Sequence[int],
    tpr_at_fpr: Sequence[float],
    single_shot: Options,
    open_set: Options,
    rerank: Options,
    query_expansion: Options,
) -> None:
    """Refuse what cannot be reported; arguments as of `ReIDMetric`.

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
    check_plain(open_set, query_expansion)


def usable_device(name: str) -> torch.device:
    """A device that is there.

    Raises:
        ValueError: if it is not.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device={name!r} is no device, such as 'cpu' or 'cuda'") from error
    if device.type == 'cuda' and not torch.cuda.is_available():
        raise ValueError(f"device={name!r}, but PyTorch sees no GPU here: use device='cpu'")
    return device
