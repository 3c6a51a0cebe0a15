"""The ReID metric."""
from .reid_metric import ReIDMetric
from .table import metrics_table

__all__ = ['ReIDMetric', 'metrics_table']
