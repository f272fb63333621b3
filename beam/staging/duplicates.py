"""Posts whose id came before: found by digests of ids alone."""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection

from beam.posts.parse import PostBlock

DUPLICATE = "duplicate_post_id"

# Groups in which duplicates are looked for; each holds its share of all ids at once.
_BUCKETS = 64
# A post's id, as the two halves of its digest, and where the post stands.
ID_ROW = np.dtype([("high", "<u8"), ("low", "<u8"), ("row_key", "<i8")])


def take_ids(block: PostBlock) -> Iterator[tuple[int, bytes]]:
    """The ids of the posts of a block: buckets, each with the bytes of an array of `ID_ROW`."""
    rows = np.empty(len(block), ID_ROW)
    digests = b"".join(block.posts.column("post_digest").to_pylist())
    rows["high"], rows["low"] = np.frombuffer(digests, "<u8").reshape(-1, 2).T
    rows["row_key"] = block.posts.column("row_key").to_numpy()
    buckets = rows["high"] % _BUCKETS
    for bucket in np.unique(buckets).tolist():
        yield bucket, rows[buckets == bucket].tobytes()


@beam.ptransform_fn
def duplicates_of_ids(ids: PCollection[Any]) -> PCollection[Any]:
    """From what `take_ids` gives to the `row_key`s of posts whose id came before: one sorted array.

    Only digests of ids are grouped, 24 bytes a post.
    """
    return (
        ids
        | "GroupIds" >> beam.GroupByKey()
        | "FindInGroups" >> beam.MapTuple(find_duplicates)
        | "MergeGroups" >> beam.CombineGlobally(_merge)
    )


def _merge(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.sort(np.concatenate([np.zeros(0, np.int64), *arrays]))


def find_duplicates(bucket: int, groups: Iterable[bytes]) -> np.ndarray:
    """Row keys of the posts of a bucket that have the digest of one before them."""
    del bucket
    rows = np.frombuffer(b"".join(groups), ID_ROW)
    rows = rows[np.lexsort((rows["row_key"], rows["low"], rows["high"]))]
    again = (rows["high"][1:] == rows["high"][:-1]) & (rows["low"][1:] == rows["low"][:-1])
    duplicates = np.sort(rows["row_key"][1:][again])
    Metrics.counter("rejected", DUPLICATE).inc(len(duplicates))
    return duplicates


def is_among(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which `values` are in the sorted array `among`."""
    if not among.size:
        return np.zeros(values.shape, bool)
    places = np.searchsorted(among, values).clip(max=among.size - 1)
    return among[places] == values
