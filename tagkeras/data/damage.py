"""Looks for the shard, and the post, that reading a dataset failed at."""

import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.cli.progress import progress
from tagkeras.data import records
from tagkeras.data.manifest import SPLITS, Manifest

_BATCH_SIZE = 256
_NOT_PARSED = (tf.errors.InvalidArgumentError, UnicodeDecodeError)


def find_shards(dataset: Path, split: str) -> list[str]:
    """Paths of the shards of a split, in the order of their names."""
    return sorted(str(path) for path in (dataset / split).glob("*.tfrecord"))


def find_damage(dataset: Path) -> str | None:
    """Reads the shards of a dataset one by one until something is wrong.

    Returns:
        A line that names the shard, and the post where there is one, or the split; None if the
        dataset is as its manifest says.
    """
    manifest = Manifest.load(dataset)
    total = sum(split["posts"] for split in manifest.splits.values())
    with progress("looking for what is damaged", total, "posts") as advance:
        for split in SPLITS:
            expected, found = manifest.splits.get(split, {"posts": 0})["posts"], 0
            for shard in find_shards(dataset, split):
                in_shard = 0
                try:
                    for serialized in tf.data.TFRecordDataset(shard).batch(_BATCH_SIZE).prefetch(2):
                        if problem := _find_bad_record(serialized, in_shard, manifest):
                            return f"{shard}: {problem}"
                        in_shard += len(serialized)
                        advance(len(serialized))
                except tf.errors.OpError as error:
                    return f"{shard}: {_explain_file(error)}"
                found += in_shard
            if found != expected:
                return describe_count(dataset / split, found, expected)
    return None


def describe_count(folder: Path, found: int, expected: int) -> str:
    """Words for a split with more or fewer posts than its manifest says."""
    return f"{folder}: {found:,} posts, but dataset.json says {expected:,}"


def _find_bad_record(serialized: tf.Tensor, first: int, manifest: Manifest) -> str | None:
    """Words for the first post of a batch that is not as the manifest says.

    Args:
        serialized: string [B].
        first: number of its first record in the shard, from 0.
        manifest: of the dataset.
    """

    def name(row: int) -> str:
        return f"record {first + row + 1:,}{_post_id(serialized[row])}"

    try:
        batch = _parse(serialized, manifest)
    except _NOT_PARSED:
        for row, record in enumerate(serialized):
            try:
                _parse(record[tf.newaxis], manifest)
            except _NOT_PARSED as error:
                words = _explain_record(error, manifest)
                return f"{name(row)} is not as dataset.json describes it ({words})"
    for feature in ("tags", "tags_removed"):
        ids, rows = batch[feature].values.numpy(), batch[feature].value_rowids().numpy()
        for bad in np.flatnonzero((ids < 0) | (ids >= manifest.num_tags))[:1]:
            words = f"the tag id {ids[bad]}, but the vocabulary has {manifest.num_tags:,} tags"
            return f"{name(rows[bad])} has {words}"
    for feature in ("descriptor", "user_descriptor"):
        is_finite = np.isfinite(batch[feature].numpy()).all(axis=1)
        for row in np.flatnonzero(~is_finite)[:1]:
            return f"{name(row)} has a {feature} with values that are not finite"
    return None


def _parse(serialized: tf.Tensor, manifest: Manifest) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    return records.parse(
        serialized,
        manifest.descriptor_size,
        manifest.descriptor_dtype,
        manifest.user_descriptor["size"],
    )


def _post_id(record: tf.Tensor) -> str:
    """The id in a record, as far as it can be read."""
    post_id = tf.io.FixedLenFeature([], tf.string)
    try:
        parsed = tf.io.parse_example(record[tf.newaxis], {"post_id": post_id})
    except _NOT_PARSED:
        return ""
    return f" (post {parsed['post_id'][0].numpy().decode(errors='backslashreplace')!r})"


def _explain_record(error: Exception, manifest: Manifest) -> str:
    """What a record has not: TensorFlow may quote its bytes, and does not name the descriptor."""
    message = str(error)
    if isinstance(error, UnicodeDecodeError) or "Could not parse example" in message:
        return "no tf.Example"
    if "DecodeRaw" in message or "Shape of tensor" in message:
        size, dtype = manifest.descriptor_size, manifest.descriptor_dtype
        return f"image/descriptor: not {size} {dtype} values"
    return _words(message)


def _explain_file(error: tf.errors.OpError) -> str:
    """What TensorFlow says of a file that is no whole TFRecord file."""
    if found := re.search(r"(truncated|corrupted) record at (\d+)", error.message):
        kind = {"truncated": "cut off", "corrupted": "corrupt"}[found[1]]
        return f"{kind} in the record at byte {int(found[2]):,}"
    return _words(error.message)


def _words(message: str) -> str:
    """The first line of TensorFlow's message without the names of ops around it."""
    return re.sub(r"^\{\{.*?\}\} |Name: <unknown>, | \[Op:.*", "", message.splitlines()[0])
