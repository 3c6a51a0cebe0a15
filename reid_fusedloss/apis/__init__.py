"""Use a trained model in Python: features of images from files, arrays and videos; galleries."""

from .extraction import Extraction
from .feature_folder import load_extraction, load_shards
from .gallery import model_id, update_gallery
from .inferencer import FeatureExtractor, ReIDInferencer
from .model import find_run, load_model
from .sources import ImageSource
from .tracks import pool_tracks
from .video import read_boxes, video_crops

__all__ = [
    'Extraction',
    'FeatureExtractor',
    'ImageSource',
    'ReIDInferencer',
    'find_run',
    'load_extraction',
    'load_model',
    'load_shards',
    'model_id',
    'pool_tracks',
    'read_boxes',
    'update_gallery',
    'video_crops',
]
