"""Ranking metrics over the top k hashtags of a post."""

from tagkeras.metrics.tag_counts import TagCounts, coverage, entropy
from tagkeras.metrics.top_k_metrics import (
    AccuracyAtK,
    MRRAtK,
    NDCGAtK,
    PrecisionAtK,
    RecallAtK,
    TopKMetric,
    find_hits,
)

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
