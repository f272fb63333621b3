"""tf.data input: batches of posts from the TFRecord shards of a dataset."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from tagkeras.data import records
from tagkeras.data.manifest import Manifest
from tagkeras.errors import UserError

# Bytes of serialized posts that shuffling may hold in memory.
SHUFFLE_BYTES = 512 * 2**20


def read_split(dataset: Path, manifest: Manifest, split: str, batch_size: int) -> tf.data.Dataset:
    """All posts of a split, in the order of its shards.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.
        split: `train`, `validation` or `test`.
        batch_size: posts in a batch, but for the last.

    Returns:
        A dataset of dicts as `tagkeras.data.records.parse` makes them.

    Raises:
        UserError: the split has no posts, or its shards are not all there.
    """
    shards = _find_shards(dataset, manifest, split)
    posts = tf.data.TFRecordDataset(shards, buffer_size=2**20)
    batches = _parse_batches(posts.batch(batch_size), manifest)
    return _assert_batches(batches, _num_batches(manifest, split, batch_size)).prefetch(2)


def read_epochs(
    dataset: Path,
    manifest: Manifest,
    *,
    batch_size: int,
    seed: int,
    first_epoch: int,
    epochs: int,
) -> tf.data.Dataset:
    """The training posts, once for each epoch, each epoch in an order of its own.

    The order of an epoch depends on the seed and the epoch alone, so that a run that starts again
    at an epoch reads on as if it had never stopped. Shards are shuffled, read several at a time,
    and their posts shuffled in a buffer of `SHUFFLE_BYTES`.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.
        batch_size: posts in a batch, but for the last of each epoch.
        seed: of the orders.
        first_epoch: number of the first epoch to read, from 0.
        epochs: number of the last, plus 1.

    Returns:
        A dataset of `steps_per_epoch` batches an epoch, dicts of `tagkeras.data.records.parse`.

    Raises:
        UserError: the split has no posts, or its shards are not all there.
    """
    shards = _find_shards(dataset, manifest, "train")
    record_bytes = 4 * manifest.descriptor_size + 512
    buffer = min(manifest.splits["train"]["posts"], max(1000, SHUFFLE_BYTES // record_bytes))

    def read_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        # A seed that somebody set for the whole process must not change the order.
        tf.compat.v1.get_default_graph().seed = 1
        epoch_seed = tf.random.experimental.stateless_fold_in(
            tf.stack([tf.constant(seed, tf.int64), 0]), epoch
        )
        files = tf.data.Dataset.from_tensor_slices(shards).shuffle(len(shards), epoch_seed[0])
        posts = files.interleave(
            lambda shard: tf.data.TFRecordDataset(shard, buffer_size=2**20),
            cycle_length=min(len(shards), 16),
        )
        return posts.shuffle(buffer, epoch_seed[1]).batch(batch_size)

    batches = tf.data.Dataset.range(first_epoch, epochs).flat_map(read_epoch)
    steps = steps_per_epoch(manifest, batch_size) * (epochs - first_epoch)
    return _assert_batches(_parse_batches(batches, manifest), steps).prefetch(4)


def steps_per_epoch(manifest: Manifest, batch_size: int) -> int:
    """Batches in an epoch of `read_epochs`."""
    return _num_batches(manifest, "train", batch_size)


@contextlib.contextmanager
def named_errors(dataset: Path) -> Iterator[None]:
    """Turns what tf.data raises for damaged records into an error that names the dataset.

    Raises:
        UserError: a shard is truncated or corrupt, or holds other posts than the manifest says.
    """
    try:
        yield
    except (tf.errors.DataLossError, tf.errors.FailedPreconditionError) as error:
        problem = "a shard is corrupt or not the one that dataset.json describes"
        raise UserError(f"{dataset}: {problem}: {_first_line(error)}") from error
    except tf.errors.InvalidArgumentError as error:
        if "image_descriptor_of_manifest_size" not in str(error) and "parse" not in str(error):
            raise
        problem = "a record is not as dataset.json describes it"
        raise UserError(f"{dataset}: {problem}: {_first_line(error)}") from error


def _first_line(error: tf.errors.OpError) -> str:
    return f"{error.message.splitlines()[0]}; copy the dataset anew or run beam.preprocess again"


def _num_batches(manifest: Manifest, split: str, batch_size: int) -> int:
    return math.ceil(manifest.splits[split]["posts"] / batch_size)


def _assert_batches(batches: tf.data.Dataset, number: int) -> tf.data.Dataset:
    """Fails at the end of a dataset that has fewer or more batches than the manifest says."""
    return batches.apply(tf.data.experimental.assert_cardinality(number))


def _parse_batches(batches: tf.data.Dataset, manifest: Manifest) -> tf.data.Dataset:
    return batches.map(
        lambda serialized: records.parse(
            serialized,
            manifest.descriptor_size,
            manifest.descriptor_dtype,
            manifest.user_descriptor["size"],
        ),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _find_shards(dataset: Path, manifest: Manifest, split: str) -> list[str]:
    """The shards of a split, checked against the manifest."""
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
