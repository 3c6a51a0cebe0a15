"""Export of models to ONNX files that describe their own input and output."""

from .card import ModelCard
from .onnx_export import Export, export_onnx
from .onnx_model import OnnxModel, read_card
from .open_extractor import open_extractor
from .trace import EXPORTERS

__all__ = [
    'EXPORTERS',
    'Export',
    'ModelCard',
    'OnnxModel',
    'export_onnx',
    'open_extractor',
    'read_card',
]
