"""Posts of a split drawn at random: its shards keep the order of the input."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.data.input import find_shards, parse
from tagkeras.data.manifest import Manifest

# Records that are looked at together, to be kept or not.
_READ_BATCH = 1024


def sample_posts(
    dataset: Path, manifest: Manifest, split: str, num_posts: int, batch_size: int, seed: int = 0
) -> tf.data.Dataset:
    """Some posts of a split, each as likely as any other and none twice, in random order.

    All shards are read, but only what was drawn is parsed.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.
        split: `train`, `validation` or `test`.
        num_posts: to draw; all if there are fewer.
        batch_size: posts in a batch, but for the last.
        seed: of the draw and of the order.

    Returns:
        A dataset of dicts as `tagkeras.data.records.parse` makes them, the same each time. Read it
        under `tagkeras.data.input.named_errors`.

    Raises:
        UserError: the split has no posts, or its shards are not all there.
    """
    shards = find_shards(dataset, manifest, split)
    total = manifest.splits[split]["posts"]
    num_posts = min(num_posts, total)
    is_drawn = np.zeros(total, bool)
    is_drawn[np.random.default_rng(seed).choice(total, num_posts, replace=False)] = True
    marks = tf.constant(is_drawn)

    def drawn(number: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
        start = number * _READ_BATCH
        return tf.boolean_mask(batch, marks[start : start + tf.size(batch, tf.int64)])

    posts = tf.data.TFRecordDataset(shards, buffer_size=2**20)
    posts = posts.apply(tf.data.experimental.assert_cardinality(total))
    posts = posts.batch(_READ_BATCH).enumerate().map(drawn).unbatch()
    posts = posts.shuffle(num_posts, seed=seed, reshuffle_each_iteration=False)
    return posts.batch(batch_size).map(lambda serialized: parse(serialized, manifest))
