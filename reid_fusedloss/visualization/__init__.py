"""Pictures of a run's results: ranking lists, training curves, comparisons of models."""

from .curves import save_curves
from .ranking_list import draw_ranking_lists, load_ranking_lists, save_ranking_lists, select_queries
from .scalars import load_scalars

__all__ = [
    'draw_ranking_lists',
    'load_ranking_lists',
    'load_scalars',
    'save_curves',
    'save_ranking_lists',
    'select_queries',
]
