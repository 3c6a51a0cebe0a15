"""Pure math: tensors in, tensors or numbers out. Imports torch, numpy and scipy only."""

from .center import center_loss
from .circle import batch_circle_loss, circle_loss, class_circle_logits
from .distance import (
    cosine_distance,
    distance_blocks,
    euclidean_distance,
    squared_euclidean_distance,
)
from .pooling import pool_features
from .ranking.block_ranking import rank_blocks
from .ranking.dir_at_fpir import DirAtFpir
from .ranking.draws import DrawnGalleries
from .ranking.evaluate import cmc_map, evaluate_ranking, ranking_lists
from .ranking.identification import (
    detection_and_identification_rate,
    false_positive_identification_rate,
    threshold_at_fpir,
)
from .ranking.protocols import RankingProtocol, make_protocol
from .ranking.ranking_result import RankingLists, RankingResult
from .ranking.reassociation import reassociation
from .ranking.single_shot import SingleGalleryShot
from .ranking.stranger_threshold import ThresholdAtFpir
from .ranking.verification import TprAtFpr
from .reranking.query_expansion import alpha_query_expansion
from .reranking.rerank import k_reciprocal_rerank, rerank_blocks
from .triplet import batch_hard_triplet_loss, weighted_triplet_loss

__all__ = [
    'DirAtFpir',
    'DrawnGalleries',
    'RankingLists',
    'RankingProtocol',
    'RankingResult',
    'SingleGalleryShot',
    'ThresholdAtFpir',
    'TprAtFpr',
    'alpha_query_expansion',
    'batch_circle_loss',
    'batch_hard_triplet_loss',
    'center_loss',
    'circle_loss',
    'class_circle_logits',
    'cmc_map',
    'cosine_distance',
    'detection_and_identification_rate',
    'distance_blocks',
    'euclidean_distance',
    'evaluate_ranking',
    'false_positive_identification_rate',
    'k_reciprocal_rerank',
    'make_protocol',
    'pool_features',
    'rank_blocks',
    'ranking_lists',
    'reassociation',
    'rerank_blocks',
    'squared_euclidean_distance',
    'threshold_at_fpir',
    'weighted_triplet_loss',
]
