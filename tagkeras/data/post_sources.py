"""Where a pass over the training posts comes from: records of shards, or rows of arrays."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

# Shards read at a time, and posts taken from one before the next.
_CYCLE = 16
_BLOCK = 64


class PostSource(Protocol):
    """Posts in shards, whatever stands for a post: its record, or its row."""

    @property
    def num_shards(self) -> int:
        """Shards in all."""
        ...

    def windows(self, shards: tf.Tensor, size: int, skipped: tf.Tensor) -> tf.data.Dataset:
        """All posts, up to 16 shards at a time, in windows of consecutive posts.

        Args:
            shards: int64 [shards], the order to read them in.
            size: posts in a window, but for the last.
            skipped: int64 scalar, windows to leave out at the beginning.

        Returns:
            A dataset of vectors.
        """
        ...


class Records:
    """Serialized posts, string, read from TFRecord files.

    Args:
        shards: paths.
    """

    def __init__(self, shards: Sequence[str]) -> None:
        self._shards = tf.constant(list(shards))
        self.num_shards = len(shards)

    def windows(self, shards: tf.Tensor, size: int, skipped: tf.Tensor) -> tf.data.Dataset:
        """See `PostSource`. Records that are skipped are neither copied nor parsed."""
        records = _interleave(shards, self.num_shards, self._read, _BLOCK)
        return records.skip(skipped * size).batch(size)

    def _read(self, shard: tf.Tensor) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(self._shards[shard], buffer_size=2**20)


class Rows:
    """Numbers of posts, int64, that lie shard after shard: in the same order as `Records`.

    Args:
        sizes: int64 [shards], posts in each shard.
    """

    def __init__(self, sizes: np.ndarray) -> None:
        self._stops = tf.constant(np.cumsum(sizes), tf.int64)
        self._starts = self._stops - tf.constant(sizes, tf.int64)
        self.num_shards = len(sizes)

    def windows(self, shards: tf.Tensor, size: int, skipped: tf.Tensor) -> tf.data.Dataset:
        """See `PostSource`."""
        # Blocks, not single rows, go through tf.data: an element costs as much as a post may.
        blocks = _interleave(shards, self.num_shards, self._read, 1)
        return blocks.rebatch(size).skip(skipped)

    def _read(self, shard: tf.Tensor) -> tf.data.Dataset:
        stop = self._stops[shard]
        return tf.data.Dataset.range(self._starts[shard], stop, _BLOCK).map(
            lambda start: tf.range(start, tf.minimum(start + _BLOCK, stop))
        )


def _interleave(
    shards: tf.Tensor,
    num_shards: int,
    read: Callable[[tf.Tensor], tf.data.Dataset],
    block_length: int,
) -> tf.data.Dataset:
    """Blocks of the shards of a group in turn, group after group.

    No shard of the next group takes the place of one that has ended: when it would do so depends on
    whether a block is one element or many.
    """
    num_groups = -(-num_shards // _CYCLE)
    group_size = -(-num_shards // num_groups)
    groups = tf.data.Dataset.from_tensor_slices(shards).batch(group_size)
    return groups.flat_map(
        lambda group: tf.data.Dataset.from_tensor_slices(group).interleave(
            read, cycle_length=group_size, block_length=block_length
        )
    )
