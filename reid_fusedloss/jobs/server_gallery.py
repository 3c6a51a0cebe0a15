"""Open the gallery of a search on a Milvus server, and update it."""

import argparse

from ..apis import FeatureExtractor
from ..apis.gallery import model_id
from ..evaluation import FeatureSet
from ..search import MilvusIndex, open_milvus
from .kept_gallery import asked_kind, change_gallery


def open_on_server(
    args: argparse.Namespace, inferencer: FeatureExtractor, validation: FeatureSet | None
) -> MilvusIndex:
    """Open the gallery of --index, which is made if there is something to fill it with.

    Args:
        args: of the command.
        inferencer: the model.
        validation: features of --validation, on which the threshold is chosen, or None.

    Raises:
        ConnectionError: if the server does not answer.
        KeyboardInterrupt: after what was done until then is on the server.
    """
    fills = bool(args.gallery or args.features)
    dims = inferencer.feat_dims if fills else None
    index = open_milvus(args.index, dims, asked_kind(args), model_id(inferencer))
    if args.kind:
        index = index.in_kind(asked_kind(args))
    try:
        change_gallery(index, args, inferencer, validation)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f': {len(index)} entries are in {index.address}; the same command continues'
        ) from None
    return index
