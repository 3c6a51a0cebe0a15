"""Attention maps, which show the parts of an image that a trained model uses."""

from .explainer import METHODS, Explainer
from .layers import FeatureLayer, find_layer

__all__ = ['METHODS', 'Explainer', 'FeatureLayer', 'find_layer']
