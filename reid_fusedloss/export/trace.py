"""PyTorch's two exporters behind one call."""

import inspect
import os
import tempfile
import warnings
from typing import Any

import torch
from mmengine.utils import digit_version
from torch import Tensor, nn

from ..checks import check_choice, check_int
from ..optional import require
from .workarounds import exportable

EXPORTERS = dict(torchscript=17, dynamo=18)  # with the default opset of each
DYNAMO_SINCE = '2.6'


def check_exporter(exporter: str, opset: int | None) -> None:
    """Check that this installation has the exporter.

    Raises:
        ImportError: if a package is missing, with the command that installs it.
        TypeError, ValueError: if an argument is wrong, or PyTorch is too old for the exporter.
    """
    check_choice('exporter', exporter, EXPORTERS)
    if opset is not None:
        check_int('opset', opset, least=11)
    require('onnx', 'an export to ONNX')
    if exporter == 'dynamo':
        require('onnxscript', "PyTorch's dynamo exporter")
        if digit_version(torch.__version__) < digit_version(DYNAMO_SINCE):
            raise ValueError(
                f"exporter='dynamo' needs PyTorch {DYNAMO_SINCE} or later, this is "
                f"{torch.__version__}: use exporter='torchscript'"
            )


def trace(graph: nn.Module, sample: Tensor, exporter: str, opset: int | None = None) -> Any:
    """Trace a network to an `onnx.ModelProto` that holds its weights.

    Args:
        graph: maps `images`, of any batch size, to `features`.
        sample: images to trace with.
        exporter: one of `EXPORTERS`.
        opset: of ONNX; None: the exporter's default.

    Raises:
        ValueError: if the exporter fails.
    """
    onnx = require('onnx', 'an export to ONNX')
    options: dict[str, Any] = dict(
        input_names=['images'],
        output_names=['features'],
        opset_version=opset or EXPORTERS[exporter],
        verbose=False,
    )
    if exporter == 'dynamo':
        options |= dict(dynamo=True, dynamic_shapes=({0: torch.export.Dim('batch')},))
    else:
        options['dynamic_axes'] = dict(images={0: 'batch'}, features={0: 'batch'})
        if 'dynamo' in inspect.signature(torch.onnx.export).parameters:
            options['dynamo'] = False
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        torch.no_grad(),
        exportable(),
    ):
        warnings.simplefilter('ignore')  # torchscript is deprecated; shapes become constants
        file = os.path.join(folder, 'model.onnx')
        try:
            torch.onnx.export(graph, (sample,), file, **options)
        except Exception as error:  # each exporter raises other errors, some with the whole graph
            raise ValueError(
                f'PyTorch {torch.__version__} cannot export this model with {exporter} at opset '
                f'{options["opset_version"]} ({str(error)[:300]}): try another exporter '
                f'({", ".join(EXPORTERS)}) or opset'
            ) from error
        return onnx.load(file)
