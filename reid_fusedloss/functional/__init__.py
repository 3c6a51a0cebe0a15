"""Pure math: tensors in, tensors or numbers out. Imports torch, numpy and scipy only."""
from .center import center_loss
from .circle import batch_circle_loss, circle_loss, class_circle_logits
from .distance import (cosine_distance, distance_blocks, euclidean_distance,
                       squared_euclidean_distance)
from .ranking import cmc_map, evaluate_ranking, rank_blocks, ranking_lists
from .ranking_result import RankingLists, RankingResult
from .rerank import k_reciprocal_rerank, rerank_blocks
from .triplet import batch_hard_triplet_loss, weighted_triplet_loss

__all__ = [
    'RankingLists', 'RankingResult', 'batch_circle_loss', 'batch_hard_triplet_loss', 'center_loss',
    'circle_loss', 'class_circle_logits', 'cmc_map', 'cosine_distance', 'distance_blocks',
    'euclidean_distance', 'evaluate_ranking', 'k_reciprocal_rerank', 'rank_blocks',
    'ranking_lists', 'rerank_blocks', 'squared_euclidean_distance',
    'weighted_triplet_loss'
]
