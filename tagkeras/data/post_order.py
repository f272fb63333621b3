"""The order of the training posts in an epoch, whatever they are read from."""

import dataclasses
import math
from collections.abc import Sequence

import tensorflow as tf

from tagkeras.data.checks import POSTS_OF_MANIFEST
from tagkeras.data.post_sources import PostSource

# Bytes of serialized posts in a window. Two are held: one to take from, one to read ahead.
SHUFFLE_BYTES = 512 * 2**20


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostOrder:
    """Batches of posts in an order that depends on the seed and the epoch alone.

    The shards are shuffled and read up to 16 at a time. What is read is cut into windows of
    `SHUFFLE_BYTES` at most, and each window is shuffled as a whole.

    Attributes:
        num_posts: posts in an epoch.
        batch_size: posts in a batch, but for the last of an epoch.
        post_bytes: of a serialized post, about.
        seed: of the orders.
    """

    num_posts: int
    batch_size: int
    post_bytes: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return math.ceil(self.num_posts / self.batch_size)

    def batches(
        self,
        source: PostSource,
        *,
        first_epoch: int,
        epochs: int,
        first_step: int,
        num_slices: int,
        slices: Sequence[int],
    ) -> tf.data.Dataset:
        """The batches from a step of an epoch on, or slices of them.

        Args:
            source: of the posts.
            first_epoch: number of the first epoch, from 0.
            epochs: number of the last, plus 1.
            first_step: number of the first batch in the first epoch, from 0.
            num_slices: consecutive parts, as even as can be, to cut each batch into.
            slices: numbers of those to give, one after the other.

        Returns:
            A dataset of vectors of what the source gives. Reading it fails with a
            `tf.errors.OpError` where the source has more or fewer posts than `num_posts`.
        """
        window_size = self._window_size()
        num_windows = math.ceil(self.num_posts / window_size)
        first_window, first_batch = divmod(first_step, window_size // self.batch_size)

        def read_windows(epoch: tf.Tensor) -> tf.data.Dataset:
            skipped = tf.where(epoch == first_epoch, tf.constant(first_window, tf.int64), 0)
            all_shards = tf.range(source.num_shards, dtype=tf.int64)
            shards = tf.random.experimental.stateless_shuffle(all_shards, self._seed_of(epoch))
            windows = source.windows(shards, window_size, skipped)
            windows = windows.apply(tf.data.experimental.assert_cardinality(num_windows - skipped))
            return windows.enumerate(skipped).map(lambda number, posts: (epoch, number, posts))

        def cut(epoch: tf.Tensor, window: tf.Tensor, posts: tf.Tensor) -> tf.data.Dataset:
            size = tf.size(posts, tf.int64)
            expected = tf.minimum(self.num_posts - window * window_size, window_size)
            tf.debugging.assert_equal(size, expected, POSTS_OF_MANIFEST)
            order = tf.random.experimental.stateless_shuffle(
                tf.range(size), self._seed_of(epoch, window)
            )
            is_first = (epoch == first_epoch) & (window == first_window)
            skipped = tf.where(is_first, tf.constant(first_batch, tf.int64), 0)
            wanted = tf.constant(list(slices), tf.int64)
            num_batches = (size + self.batch_size - 1) // self.batch_size - skipped

            def take(number: tf.Tensor) -> tf.Tensor:
                start = (skipped + number // len(slices)) * self.batch_size
                length = tf.minimum(size - start, self.batch_size)
                part = wanted[number % len(slices)]
                low, high = length * part // num_slices, length * (part + 1) // num_slices
                # Only the numbers were shuffled: moving all posts would hold them twice.
                return tf.gather(posts, order[start + low : start + high])

            return tf.data.Dataset.range(num_batches * len(slices)).map(take)

        # The next window, be it of the next epoch, is read while this one is taken from.
        windows = tf.data.Dataset.range(first_epoch, epochs).flat_map(read_windows).prefetch(1)
        batches = windows.flat_map(cut)
        number = max(0, (epochs - first_epoch) * self.steps_per_epoch - first_step)
        return batches.apply(tf.data.experimental.assert_cardinality(number * len(slices)))

    def _window_size(self) -> int:
        """Posts in a window, a multiple of the batch size."""
        largest = max(SHUFFLE_BYTES // self.post_bytes, 1)
        num_windows = math.ceil(self.num_posts / largest)
        even = math.ceil(self.num_posts / num_windows)
        size = math.ceil(even / self.batch_size) * self.batch_size
        # A last window that is not full ends with the posts: one post too many is then in it, and
        # noticed before any of its posts is trained on.
        while self.num_posts % size == 0:
            size += self.batch_size
        return size

    def _seed_of(self, *numbers: tf.Tensor) -> tf.Tensor:
        seed = tf.constant([self.seed, 0], tf.int64)
        for number in numbers:
            seed = tf.random.experimental.stateless_fold_in(seed, number)
        return seed
