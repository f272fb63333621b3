"""tf.data input: batches of posts from the TFRecord shards of a dataset."""

import contextlib
import math
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data import record_checks, records
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_tags import split_batch
from tagkeras.data.record_checks import REMEDY
from tagkeras.data.records import Batch

# Arguments of `tf.data.Dataset.map` for work on batches.
IN_PARALLEL = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}

# Bytes of serialized posts that are shuffled together, at most and about, and those of a post
# besides its descriptor.
SHUFFLE_BYTES = 512 * 2**20
_OTHER_BYTES = 512
# Records that `sample_posts` looks at together, to be kept or not.
_SAMPLED_TOGETHER = 1024


def load(
    dataset: str | Path,
    split: str = "train",
    *,
    batch_size: int = 512,
    shuffle: bool | None = None,
    seed: int = 0,
) -> tf.data.Dataset:
    """A split as `(inputs, tags)`, for the `fit` and `evaluate` of a Keras model.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        split: `train`, `validation` or `test`.
        batch_size: posts in a batch, but for the last.
        shuffle: whether posts come in another order each time; by default those of `train` do.
        seed: of the orders.

    Returns:
        A dataset of pairs of dicts: `descriptor` float32 [B, n] and `user_descriptor` float32
        [B, m]; `tags` and `tags_removed` ragged int64 [B, None] and `out_of_vocabulary` int64 [B].

    Raises:
        UserError: there is no dataset, the split has no posts, or its shards are not all there.

    Example:
        >>> model.fit(tagkeras.data.load("dataset"), epochs=3)  # doctest: +SKIP
    """
    dataset = Path(dataset)
    manifest = Manifest.load(dataset)
    posts = _read_records(dataset, manifest, split)
    if split == "train" if shuffle is None else shuffle:
        num_posts = min(manifest.splits[split]["posts"], SHUFFLE_BYTES // post_bytes(manifest))
        posts = posts.shuffle(num_posts, seed=seed)

    def read(serialized: tf.Tensor) -> tuple[Batch, Batch]:
        return split_batch(parse(serialized, manifest, records.TRAINING_NAMES))

    return posts.batch(batch_size).map(read, **IN_PARALLEL).prefetch(2)


def read_split(dataset: Path, manifest: Manifest, split: str, batch_size: int) -> tf.data.Dataset:
    """All posts of a split, in the order of its shards; read them under `named_errors`.

    Batches are as `tagkeras.data.records.parse` makes them.

    Raises:
        UserError: the split has no posts, or its shards are not all there.
    """
    posts = _read_records(dataset, manifest, split)
    batches = posts.batch(batch_size).map(lambda batch: parse(batch, manifest), **IN_PARALLEL)
    number = math.ceil(manifest.splits[split]["posts"] / batch_size)
    return batches.apply(tf.data.experimental.assert_cardinality(number)).prefetch(2)


def sample_posts(
    dataset: Path, manifest: Manifest, split: str, num_posts: int, batch_size: int, seed: int = 0
) -> tf.data.Dataset:
    """Some posts of a split, each as likely as any other and none twice, in random order.

    All shards are read, but only what was drawn is parsed: `num_posts`, or all if there are fewer.
    The batches are like those of `read_split`, and the same each time.

    Raises:
        UserError: the split has no posts, or its shards are not all there.
    """
    posts = _read_records(dataset, manifest, split)
    total = manifest.splits[split]["posts"]
    num_posts = min(num_posts, total)
    is_drawn = np.zeros(total, bool)
    is_drawn[np.random.default_rng(seed).choice(total, num_posts, replace=False)] = True
    marks = tf.constant(is_drawn)

    def drawn(number: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
        start = number * _SAMPLED_TOGETHER
        return tf.boolean_mask(batch, marks[start : start + tf.size(batch, tf.int64)])

    posts = posts.batch(_SAMPLED_TOGETHER).enumerate().map(drawn).unbatch()
    posts = posts.shuffle(num_posts, seed=seed, reshuffle_each_iteration=False)
    return posts.batch(batch_size).map(lambda serialized: parse(serialized, manifest))


def parse(serialized: tf.Tensor, manifest: Manifest, names: Collection[str] | None = None) -> Batch:
    """Parses a batch as `tagkeras.data.records.parse` does, and checks it.

    Run it under `named_errors`. The names include `TRAINING_NAMES` at least.
    """
    return record_checks.check_batch(records.parse(serialized, manifest, names), manifest.num_tags)


def find_shards(dataset: Path, manifest: Manifest, split: str) -> list[str]:
    """Paths of the shards of a split, in the order of their names, checked against the manifest.

    Raises:
        UserError: the split has no posts, or its shards are not all there.
    """
    expected = manifest.splits.get(split, {"posts": 0})
    if not expected["posts"]:
        raise UserError(f"{dataset}: the {split} split has no posts")
    shards = sorted(str(path) for path in (dataset / split).glob("*.tfrecord"))
    if len(shards) != expected["shards"]:
        raise UserError(
            f"{dataset / split}: {len(shards)} shards, but dataset.json names {expected['shards']}:"
            " copy the whole dataset or run beam.preprocess again"
        )
    return shards


def post_bytes(manifest: Manifest) -> int:
    """Bytes of a serialized post, at most and about."""
    return manifest.descriptor_size * np.dtype(manifest.descriptor_dtype).itemsize + _OTHER_BYTES


@contextlib.contextmanager
def named_errors(dataset: Path) -> Iterator[None]:
    """Turns what tf.data raises for damaged posts into an error that names the shard and the post.

    On an error, the dataset that the block reads is read again to find them.

    Raises:
        UserError: a shard is truncated or corrupt, a record is not as the manifest says, or there
            are more or fewer of them.
    """
    try:
        yield
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        if not record_checks.is_damage(error):
            raise
        found = record_checks.find_damage(dataset)
        if found is None:
            raise
        raise UserError(f"{found}: {REMEDY}") from error


def _read_records(dataset: Path, manifest: Manifest, split: str) -> tf.data.Dataset:
    """The serialized posts of a split, in the order of its shards."""
    shards = find_shards(dataset, manifest, split)
    posts = tf.data.TFRecordDataset(shards, buffer_size=2**20)
    return posts.apply(tf.data.experimental.assert_cardinality(manifest.splits[split]["posts"]))
