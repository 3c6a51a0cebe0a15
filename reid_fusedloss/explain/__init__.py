"""What a trained model looks at: attention maps of images."""

from .explainer import METHODS, Explainer
from .layers import FeatureLayer, find_layer

__all__ = ['METHODS', 'Explainer', 'FeatureLayer', 'find_layer']
