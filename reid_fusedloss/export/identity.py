"""Identify the model of an exported file, and whether the file was changed since."""

import hashlib
import json
import os
from typing import Any

from ..apis.fingerprint import FULL, of_file
from ..optional import require
from ..whole_file import PathLike
from .card import ModelCard

GRAPH = 'graph'  # the entry that holds the digest of everything else
# operators of quantised graphs
QUANTISED = (
    'QuantizeLinear',
    'DequantizeLinear',
    'DynamicQuantizeLinear',
    'ConvInteger',
    'MatMulInteger',
    'QLinearConv',
    'QLinearMatMul',
)


def graph_digest(model: Any) -> str:
    """Compute the digest of a file's graph and metadata, without the entry `graph` itself.

    Args:
        model: an `onnx.ModelProto`.
    """
    digest = hashlib.sha256(model.graph.SerializeToString(deterministic=True))
    said = dict(
        opsets={entry.domain: entry.version for entry in model.opset_import},
        entries={entry.key: entry.value for entry in model.metadata_props if entry.key != GRAPH},
    )
    digest.update(json.dumps(said, sort_keys=True).encode())
    return digest.hexdigest()


def precision_of(model: Any) -> str:
    """Find a graph's precision from operators and weights: 'float32', 'float16' or 'int8'.

    Args:
        model: an `onnx.ModelProto`.
    """
    if any(node.op_type in QUANTISED for node in model.graph.node):
        return 'int8'
    half = require('onnx', 'an ONNX model').TensorProto.FLOAT16
    return 'float16' if any(part.data_type == half for part in model.graph.initializer) else FULL


def fingerprint_of(path: PathLike, card: ModelCard) -> dict[str, Any]:
    """Identify what a file's features depend on.

    An unchanged file has the fingerprint of its source. A file that was changed after its export,
    such as a quantised one, has a fingerprint of its own, which says so. A file of an older
    version, which does not name its source, has the fingerprint of its bytes.

    Args:
        path: of the file.
        card: of the file.
    """
    if card.source is None:
        return of_file(path)
    model = require('onnx', 'an ONNX model').load(os.fspath(path), load_external_data=False)
    digest = graph_digest(model)
    if digest == card.graph:
        return card.source
    options = {**card.source['options'], 'precision': precision_of(model)}
    return {**card.source, 'options': options, 'changed': digest}
