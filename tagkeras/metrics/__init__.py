"""Ranking metrics over the top k hashtags of a post."""

from tagkeras.metrics.accuracy_at_k import AccuracyAtK
from tagkeras.metrics.mrr_at_k import MRRAtK
from tagkeras.metrics.ndcg_at_k import NDCGAtK
from tagkeras.metrics.precision_at_k import PrecisionAtK
from tagkeras.metrics.recall_at_k import RecallAtK
from tagkeras.metrics.tag_counts import TagCounts, coverage, entropy
from tagkeras.metrics.top_k_metric import TopKMetric, find_hits

__all__ = [
    "AccuracyAtK",
    "MRRAtK",
    "NDCGAtK",
    "PrecisionAtK",
    "RecallAtK",
    "TagCounts",
    "TopKMetric",
    "coverage",
    "entropy",
    "find_hits",
]
