"""What may be wrong with single posts of a dataset."""

import numpy as np

from beam.inspect.shard_batches import Batch, TagLists


def find_faults(batch: Batch, num_tags: int, split: str) -> dict[str, np.ndarray]:
    """Words for what is wrong with posts of a batch, each with the posts' rows, int64 [F].

    Args:
        batch: of the split.
        num_tags: Y.
        split: in `train`, tags that are not in the vocabulary do not make up for known ones.
    """
    tags, removed = _to_keys(batch.tags, num_tags), _to_keys(batch.removed, num_tags)
    outside = [lists.rows[~is_known(lists.ids, num_tags)] for lists in (batch.tags, batch.removed)]
    repeated = [keys[1:][keys[1:] == keys[:-1]] for keys in (tags, removed)]
    is_tagged = np.zeros(len(batch), bool) if split == "train" else batch.out_of_vocabulary > 0
    is_tagged[batch.tags.rows] = True
    is_finite = np.isfinite(batch.descriptors).all(axis=1)
    # NaN is outside.
    is_inside = (np.abs(batch.user_descriptors) <= 1).all(axis=1)
    found = {
        f"a tag id that is none of 0 to {num_tags - 1}": np.concatenate(outside),
        "a tag twice": np.concatenate(repeated) // num_tags,
        "a tag both kept and removed": np.intersect1d(tags, removed) // num_tags,
        "no tag": np.flatnonzero(~is_tagged),
        "a negative tags/out_of_vocabulary": np.flatnonzero(batch.out_of_vocabulary < 0),
        "NaN or infinity in the image descriptor": np.flatnonzero(~is_finite),
        "a user descriptor outside [-1, 1]": np.flatnonzero(~is_inside),
    }
    return {words: np.unique(rows) for words, rows in found.items() if rows.size}


def is_known(ids: np.ndarray, num_tags: int) -> np.ndarray:
    """Which ids are those of a vocabulary."""
    return (ids >= 0) & (ids < num_tags)


def _to_keys(lists: TagLists, num_tags: int) -> np.ndarray:
    """One sorted number for each (post, known tag)."""
    known = is_known(lists.ids, num_tags)
    return np.sort(lists.rows[known] * num_tags + lists.ids[known])
