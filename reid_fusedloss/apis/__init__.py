"""A trained model in Python: features of images, whatever they come from."""
from .extraction import Extraction
from .images import ImageSource
from .inferencer import ReIDInferencer
from .model import find_run, load_model
from .video import read_boxes, video_crops

__all__ = [
    'Extraction', 'ImageSource', 'ReIDInferencer', 'find_run', 'load_model', 'read_boxes',
    'video_crops'
]
