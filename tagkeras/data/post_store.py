"""The training posts as arrays in memory, on the host or on an accelerator."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.post_arrays import PostArrays


class PostStore(tf.Module):
    """Looks posts up by their row, in graph.

    Args:
        arrays: of the posts. On the host they are not copied: leave them as they are from then on.
        device: to hold the descriptors on, as in "GPU:0". The tags stay on the host, where ragged
            tensors are gathered, and are copied by the batch.

    Attributes:
        shard_sizes: int64 [shards], posts in each shard, in the order of the rows.

    Raises:
        UserError: the device has too little memory.
    """

    def __init__(self, arrays: PostArrays, device: str) -> None:
        super().__init__()
        self.shard_sizes = arrays.shard_sizes
        self._device = device
        try:
            with tf.device(device):
                self._descriptors = _place(arrays.descriptors)
                self._user_descriptors = _place(arrays.user_descriptors)
        except tf.errors.ResourceExhaustedError as error:
            size = arrays.descriptors.nbytes / 2**30
            raise UserError(
                f"the descriptors of the training posts, {size:,.1f} GiB, do not fit in the memory"
                " of the device: use --cache=memory or --cache=none"
            ) from error
        with tf.device("CPU:0"):
            self._tags = _to_ragged(*arrays.tags)
            self._tags_removed = _to_ragged(*arrays.tags_removed)
            self._out_of_vocabulary = tf.constant(arrays.out_of_vocabulary)

    def lookup(self, batch: Mapping[str, Any]) -> dict[str, tf.Tensor | tf.RaggedTensor]:
        """Gathers posts.

        Args:
            batch: dict with `row` int64 [B], of the posts in the order of the shards.

        Returns:
            `descriptor` float32 [B, n], `user_descriptor` float32 [B, m], `tags` and
            `tags_removed` ragged int64 [B, None] and `out_of_vocabulary` int64 [B], as
            `tagkeras.data.records.parse` makes them.
        """
        row = batch["row"]
        # Where they are: an op elsewhere would copy all of them, not the rows that it gathers.
        with tf.device(self._device):
            on_device = {
                "descriptor": tf.cast(tf.gather(self._descriptors, row), tf.float32),
                "user_descriptor": tf.gather(self._user_descriptors, row),
            }
        with tf.device("CPU:0"):
            return {
                **on_device,
                "tags": tf.gather(self._tags, row),
                "tags_removed": tf.gather(self._tags_removed, row),
                "out_of_vocabulary": tf.gather(self._out_of_vocabulary, row),
            }


def _place(array: np.ndarray) -> tf.Tensor:
    """An array on the device of the block; on the host it is shared: tf.constant would copy."""
    return tf.identity(tf.experimental.dlpack.from_dlpack(array.__dlpack__()))


def _to_ragged(values: np.ndarray, row_splits: np.ndarray) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_splits(tf.constant(values), tf.constant(row_splits))
