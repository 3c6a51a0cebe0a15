"""A trained model in Python: features of images, whatever they come from."""
from .inferencer import Extraction, ReIDInferencer
from .model import find_run, load_model

__all__ = ['Extraction', 'ReIDInferencer', 'find_run', 'load_model']
