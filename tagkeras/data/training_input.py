"""The training posts, once an epoch and each epoch in another order, from shards or from memory."""

import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from tagkeras.data import input as data_input
from tagkeras.data import records
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_store import PostStore, check_memory
from tagkeras.data.record_checks import UNSOUND
from tagkeras.data.records import Batch

CACHES = ("none", "memory", "device")

# Shards read at a time, and posts taken from one before the next.
_CYCLE = 16
_BLOCK = 64


class TrainingInput:
    """Batches of the training posts, each epoch in an order of its own.

    The shards are shuffled and read up to 16 at a time. What is read is cut into windows of
    `tagkeras.data.input.SHUFFLE_BYTES` at most, and each window is shuffled as a whole. The order
    depends on the seed and the epoch alone: not on the cache, nor on where reading starts.

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
        self._batch_size, self._seed = batch_size, seed
        self._num_posts = manifest.splits["train"]["posts"]

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return math.ceil(self._num_posts / self._batch_size)

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
        if first_step == self.steps_per_epoch:
            first_epoch, first_step = first_epoch + 1, 0
        window_size = choose_window_size(
            self._num_posts, self._batch_size, data_input.post_bytes(self._manifest)
        )
        first_window, first_batch = divmod(first_step, window_size // self._batch_size)
        read_windows: Callable[..., tf.data.Dataset] = _windows_of_records
        source: Sequence[Any] = self._shards
        if self._cache != "none":
            read_windows, source = _windows_of_rows, self._loaded.shard_sizes

        def read_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
            skipped = tf.where(epoch == first_epoch, tf.constant(first_window, tf.int64), 0)
            shards = _shuffle(tf.range(len(source), dtype=tf.int64), self._seed, epoch)
            windows = read_windows(shards, source, window_size, skipped)
            number = math.ceil(self._num_posts / window_size) - skipped
            windows = windows.apply(tf.data.experimental.assert_cardinality(number))
            return windows.enumerate(skipped).map(lambda number, posts: (epoch, number, posts))

        def cut(epoch: tf.Tensor, window: tf.Tensor, posts: tf.Tensor) -> tf.data.Dataset:
            size = tf.size(posts, tf.int64)
            expected = tf.minimum(self._num_posts - window * window_size, window_size)
            tf.debugging.assert_equal(size, expected, UNSOUND)
            order = _shuffle(tf.range(size), self._seed, epoch, window)
            is_first = (epoch == first_epoch) & (window == first_window)
            skipped = tf.where(is_first, tf.constant(first_batch, tf.int64), 0)
            wanted = tf.constant(list(slices), tf.int64)
            num_batches = (size + self._batch_size - 1) // self._batch_size - skipped

            def take(number: tf.Tensor) -> tf.Tensor:
                start = (skipped + number // len(slices)) * self._batch_size
                length = tf.minimum(size - start, self._batch_size)
                part = wanted[number % len(slices)]
                low, high = length * part // num_slices, length * (part + 1) // num_slices
                # Only the numbers were shuffled: moving all posts would hold them twice.
                return tf.gather(posts, order[start + low : start + high])

            return tf.data.Dataset.range(num_batches * len(slices)).map(take)

        # The next window, be it of the next epoch, is read while this one is taken from.
        windows = tf.data.Dataset.range(first_epoch, epochs).flat_map(read_epoch).prefetch(1)
        number = max(0, (epochs - first_epoch) * self.steps_per_epoch - first_step) * len(slices)
        batches = windows.flat_map(cut).apply(tf.data.experimental.assert_cardinality(number))
        if self._cache == "device":
            return batches.map(lambda row: {"row": row}).prefetch(4)
        options = tf.data.Options()
        # Rewriting the dataset would copy the arrays that it looks posts up in.
        options.experimental_optimization.apply_default_optimizations = self._cache == "none"
        return batches.map(self._read, **data_input.IN_PARALLEL).prefetch(4).with_options(options)

    def _read(self, posts: tf.Tensor) -> Batch:
        if self._cache == "none":
            return data_input.parse(posts, self._manifest, records.TRAINING_NAMES)
        return self._loaded.lookup({"row": posts})

    @functools.cached_property
    def _loaded(self) -> PostStore:
        with tf.init_scope():  # may be asked for inside of a function that is being traced
            has_gpu = bool(tf.config.list_logical_devices("GPU"))
            device = "GPU:0" if self._cache == "device" and has_gpu else "CPU:0"
            return PostStore(self._dataset, self._manifest, self._shards, device)


def choose_window_size(num_posts: int, batch_size: int, post_bytes: int) -> int:
    """Posts that are shuffled together, a multiple of the batch size.

    Two windows are held: one to take from, one to read ahead.
    """
    largest = max(data_input.SHUFFLE_BYTES // post_bytes, 1)
    even = math.ceil(num_posts / math.ceil(num_posts / largest))
    size = math.ceil(even / batch_size) * batch_size
    # A last window that is not full ends with the posts: one post too many is then in it, and
    # noticed before any of its posts is trained on.
    while num_posts % size == 0:
        size += batch_size
    return size


def _windows_of_records(
    shards: tf.Tensor, paths: Sequence[str], size: int, skipped: tf.Tensor
) -> tf.data.Dataset:
    """Windows of so many serialized posts, string, without the first.

    Args:
        shards: int64, in the order to read them in.
        paths: of their TFRecord files.
        size: posts in a window.
        skipped: windows to leave out.
    """

    def read(shard: tf.Tensor) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(tf.constant(paths)[shard], buffer_size=2**20)

    # Records that are skipped are neither copied nor parsed.
    return _interleave(shards, len(paths), read, _BLOCK).skip(skipped * size).batch(size)


def _windows_of_rows(
    shards: tf.Tensor, shard_sizes: Sequence[int], size: int, skipped: tf.Tensor
) -> tf.data.Dataset:
    """The same windows as rows, int64, of posts that lie shard after shard."""
    stops = tf.cumsum(tf.constant(shard_sizes, tf.int64))

    def read(shard: tf.Tensor) -> tf.data.Dataset:
        stop = stops[shard]
        start = stop - tf.constant(shard_sizes, tf.int64)[shard]
        return tf.data.Dataset.range(start, stop, _BLOCK).map(
            lambda start: tf.range(start, tf.minimum(start + _BLOCK, stop))
        )

    # Blocks, not single rows, go through tf.data: an element costs as much as a post may.
    return _interleave(shards, len(shard_sizes), read, 1).rebatch(size).skip(skipped)


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


def _shuffle(values: tf.Tensor, seed: int, *numbers: tf.Tensor) -> tf.Tensor:
    """Values in an order that depends on a seed and some numbers alone."""
    folded = tf.constant([seed, 0], tf.int64)
    for number in numbers:
        folded = tf.random.experimental.stateless_fold_in(folded, number)
    return tf.random.experimental.stateless_shuffle(values, folded)
