"""The training posts, once an epoch, from the shards or from memory."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.data import input as data_input
from tagkeras.data import records
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_arrays import check_memory, load_posts
from tagkeras.data.post_order import PostOrder
from tagkeras.data.post_sources import PostSource, Records, Rows
from tagkeras.data.post_store import PostStore

CACHES = ("none", "memory", "device")
# Bytes of a serialized post besides its descriptor, at most and about.
_OTHER_BYTES = 512


class TrainingInput:
    """Batches of the training posts, each epoch in an order of its own.

    The order depends on the seed and the epoch alone: not on the cache, nor on where reading
    starts. `tagkeras.data.post_order.PostOrder` says what it is.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.
        batch_size: posts in a batch, but for the last of each epoch.
        seed: of the orders.
        cache: where posts come from: `none` streams them from the shards; `memory` loads them
            all into memory when they are first asked for; `device` loads them onto the first GPU,
            if there is one.

    Raises:
        UserError: the split has no posts, its shards are not all there, or the posts do not fit
            in the memory that is available; nothing was loaded.
    """

    def __init__(
        self,
        dataset: Path,
        manifest: Manifest,
        *,
        batch_size: int,
        seed: int,
        cache: str = "none",
    ) -> None:
        if cache not in CACHES:
            raise ValueError(f"cache must be one of {CACHES}, received {cache!r}")
        self._shards = data_input.find_shards(dataset, manifest, "train")
        if cache != "none":
            check_memory(manifest, cache)
        self._dataset, self._manifest, self._cache = dataset, manifest, cache
        value_bytes = np.dtype(manifest.descriptor_dtype).itemsize
        self._order = PostOrder(
            num_posts=manifest.splits["train"]["posts"],
            batch_size=batch_size,
            post_bytes=manifest.descriptor_size * value_bytes + _OTHER_BYTES,
            seed=seed,
        )

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self._order.steps_per_epoch

    @property
    def store(self) -> PostStore | None:
        """Of `cache="device"`: looks up the posts of a batch, on the device; else None.

        Raises:
            UserError: the posts are damaged, or do not fit on the device.
        """
        return self._loaded if self._cache == "device" else None

    def batches(
        self,
        *,
        first_epoch: int,
        epochs: int,
        first_step: int = 0,
        num_slices: int = 1,
        slices: Sequence[int] = (0,),
    ) -> tf.data.Dataset:
        """The batches from a step of an epoch on, or slices of them.

        Args:
            first_epoch: number of the first epoch to read, from 0.
            epochs: number of the last, plus 1.
            first_step: batches of the first epoch to leave out, at most `steps_per_epoch`.
            num_slices: consecutive parts, as even as can be, that each batch is cut into. Those
                of an epoch's last batch may be empty.
            slices: numbers of the parts to give, one after the other, for each batch.

        Returns:
            A dataset of dicts, to read under `tagkeras.data.input.named_errors`:
            `descriptor`, `user_descriptor`, `tags`, `tags_removed` and `out_of_vocabulary` of
            `tagkeras.data.records.parse`; of `cache="device"` only `row` int64 [B], for `store`.

        Raises:
            UserError: the posts to load are damaged.
        """
        if self._cache == "none":
            source: PostSource = Records(self._shards)
        else:
            source = Rows(self._loaded.shard_sizes)
        if first_step == self.steps_per_epoch:
            first_epoch, first_step = first_epoch + 1, 0
        batches = self._order.batches(
            source,
            first_epoch=first_epoch,
            epochs=epochs,
            first_step=first_step,
            num_slices=num_slices,
            slices=slices,
        )
        if self._cache == "device":
            return batches.map(lambda row: {"row": row}).prefetch(4)
        options = tf.data.Options()
        # Rewriting the dataset would copy the arrays that it looks posts up in.
        options.experimental_optimization.apply_default_optimizations = self._cache == "none"
        batches = batches.map(self._read, **data_input.IN_PARALLEL)
        return batches.prefetch(4).with_options(options)

    def _read(self, posts: tf.Tensor) -> dict[str, tf.Tensor | tf.RaggedTensor]:
        if self._cache == "none":
            return data_input.parse(posts, self._manifest, records.TRAINING_NAMES)
        return self._loaded.lookup({"row": posts})

    @functools.cached_property
    def _loaded(self) -> PostStore:
        with tf.init_scope():  # may be asked for inside of a function that is being traced
            arrays = load_posts(self._dataset, self._manifest, self._shards)
            has_gpu = bool(tf.config.list_logical_devices("GPU"))
            return PostStore(arrays, "GPU:0" if self._cache == "device" and has_gpu else "CPU:0")
