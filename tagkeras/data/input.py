"""tf.data input: batches of posts from the TFRecord shards of a dataset."""

import contextlib
import math
from collections.abc import Collection, Iterator
from pathlib import Path

import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data import checks, damage, records
from tagkeras.data.manifest import Manifest

REMEDY = "copy the dataset anew or run python -m beam.preprocess again"
# Arguments of `tf.data.Dataset.map` for work on batches.
IN_PARALLEL = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}


def read_split(dataset: Path, manifest: Manifest, split: str, batch_size: int) -> tf.data.Dataset:
    """All posts of a split, in the order of its shards.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.
        split: `train`, `validation` or `test`.
        batch_size: posts in a batch, but for the last.

    Returns:
        A dataset of dicts as `tagkeras.data.records.parse` makes them. Read it under
        `named_errors`.

    Raises:
        UserError: the split has no posts, or its shards are not all there.
    """
    shards = find_shards(dataset, manifest, split)
    num_posts = manifest.splits[split]["posts"]
    posts = tf.data.TFRecordDataset(shards, buffer_size=2**20)
    posts = posts.apply(tf.data.experimental.assert_cardinality(num_posts))
    batches = posts.batch(batch_size).map(lambda batch: parse(batch, manifest), **IN_PARALLEL)
    number = math.ceil(num_posts / batch_size)
    return batches.apply(tf.data.experimental.assert_cardinality(number)).prefetch(2)


def parse(
    serialized: tf.Tensor, manifest: Manifest, names: Collection[str] = records.ALL_NAMES
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Parses and checks a batch of posts, in graph.

    Args:
        serialized: string [B].
        manifest: of the dataset.
        names: of the tensors to make, those of `tagkeras.data.records.TRAINING_NAMES` at least.

    Returns:
        What `tagkeras.data.records.parse` does. Run it under `named_errors`.
    """
    batch = records.parse(
        serialized,
        manifest.descriptor_size,
        manifest.descriptor_dtype,
        manifest.user_descriptor["size"],
        names,
    )
    return checks.checked(batch, manifest.num_tags)


def find_shards(dataset: Path, manifest: Manifest, split: str) -> list[str]:
    """The shards of a split, checked against the manifest.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.
        split: `train`, `validation` or `test`.

    Returns:
        Their paths, in the order of their names.

    Raises:
        UserError: the split has no posts, or its shards are not all there.
    """
    expected = manifest.splits.get(split, {"posts": 0})
    if not expected["posts"]:
        raise UserError(f"{dataset}: the {split} split has no posts")
    shards = damage.find_shards(dataset, split)
    if len(shards) != expected["shards"]:
        raise UserError(
            f"{dataset / split}: {len(shards)} shards, but dataset.json names {expected['shards']}:"
            " copy the whole dataset or run beam.preprocess again"
        )
    return shards


@contextlib.contextmanager
def named_errors(dataset: Path) -> Iterator[None]:
    """Turns what tf.data raises for damaged posts into an error that names the shard and the post.

    Args:
        dataset: folder that is read in the block; on an error it is read again to find them.

    Raises:
        UserError: a shard is truncated or corrupt, a record is not as the manifest says, or there
            are more or fewer of them.
    """
    try:
        yield
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        if not checks.is_damage(error):
            raise
        found = damage.find_damage(dataset)
        if found is None:
            raise
        raise UserError(f"{found}: {REMEDY}") from error
