"""The best tags of many lists of votes, without a table of all tags for each list."""

import numpy as np


def best_tags(
    rows: np.ndarray,
    tags: np.ndarray,
    votes: np.ndarray,
    *,
    num_rows: int,
    prior: np.ndarray,
    k: int,
) -> np.ndarray:
    """Adds up votes and ranks tags by them, row by row.

    Only tags with votes and the k best of the prior are looked at: of the tags without votes, no
    other can be among the best k of a row.

    Args:
        rows: int [votes], from 0.
        tags: int [votes], ids.
        votes: float [votes], each above 0.
        num_rows: R.
        prior: float [Y], what every tag has in every row beside its votes.
        k: at most Y.

    Returns:
        int64 [R, k], ids, best first, ties to the lower id.
    """
    num_tags = len(prior)
    common = np.argsort(-prior, kind="stable")[:k]
    everywhere = (np.arange(num_rows)[:, None] * num_tags + common).ravel()
    keys = np.concatenate([rows.astype(np.int64) * num_tags + tags, everywhere])
    keys, place = np.unique(keys, return_inverse=True)
    totals = np.bincount(place, np.concatenate([votes, np.zeros(len(everywhere))]), len(keys))
    row_of, tag_of = np.divmod(keys, num_tags)
    order = np.lexsort([tag_of, -(totals + prior[tag_of]), row_of])
    starts = np.searchsorted(row_of[order], np.arange(num_rows))
    return tag_of[order][starts[:, None] + np.arange(k)]
