"""Retrieval: layers that find the k best hashtags for an embedding, exactly or nearly so."""

from tagkeras.retrieval.cells import Cells, Queries, default_num_cells, find_cells
from tagkeras.retrieval.layers import ExactTopK, IVFTopK, TopK
from tagkeras.retrieval.recall import Recall, RecallCurve, fewest_posts, fewest_probes
from tagkeras.retrieval.top_k import Tiling, top_k

__all__ = [
    "Cells",
    "ExactTopK",
    "IVFTopK",
    "Queries",
    "Recall",
    "RecallCurve",
    "Tiling",
    "TopK",
    "default_num_cells",
    "fewest_posts",
    "fewest_probes",
    "find_cells",
    "top_k",
]
