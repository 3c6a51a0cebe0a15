"""Export of models to ONNX files that describe their own input and output."""

from .card import ModelCard
from .int8 import Quantised, quantise_onnx
from .onnx_export import Export, export_onnx
from .onnx_model import OnnxModel, read_card
from .open_extractor import open_extractor
from .trace import EXPORTERS

__all__ = [
    'EXPORTERS',
    'Export',
    'ModelCard',
    'OnnxModel',
    'Quantised',
    'export_onnx',
    'open_extractor',
    'quantise_onnx',
    'read_card',
]
