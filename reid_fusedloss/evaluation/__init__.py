"""The ReID metric, and embeddings in files."""

from .embeddings_file import FeatureSet, SaveEmbeddings, load_features, save_features
from .reid_metric import ReIDMetric
from .table import metrics_table

__all__ = [
    'FeatureSet',
    'ReIDMetric',
    'SaveEmbeddings',
    'load_features',
    'metrics_table',
    'save_features',
]
