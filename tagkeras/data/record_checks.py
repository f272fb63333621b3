"""Checks of records: are the posts of a dataset as its manifest says?

Reading checks each batch in graph at no noticeable cost, by `check_batch`. When that fails,
`find_damage` reads the shards again to name the shard and the post. `find_problems` also finds what
does not keep anybody from training, for `beam.inspect`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.cli.progress import progress
from tagkeras.data import records
from tagkeras.data.manifest import SPLITS, Manifest
from tagkeras.data.records import Batch

REMEDY = "copy the dataset anew or run python -m beam.preprocess again"
# In the messages of the errors that unsound posts raise, and in no others.
UNSOUND = "posts_are_not_as_dataset_json_says"

_BATCH_SIZE = 256
_NOT_PARSED = (tf.errors.InvalidArgumentError, UnicodeDecodeError)
_MARKS = (
    UNSOUND,
    "image_descriptor_of_manifest_size",
    "DecodeRaw",
    "ParseExample",
    "Could not parse example",
)


class ShardError(Exception):
    """A shard that cannot be read to its end; the message says where and why, without its path."""


def check_batch(batch: Batch, num_tags: int) -> Batch:
    """A parsed batch, which fails where training on it would silently go wrong.

    Raises:
        tf.errors.InvalidArgumentError: when run, if a tag id is not in [0, Y) or a descriptor has
            values that are not finite.
    """
    # One sum has them all in it, and needs no tensor of booleans as large as the batch.
    total = tf.reduce_sum(batch["descriptor"]) + tf.reduce_sum(batch["user_descriptor"])
    is_bad = ~tf.math.is_finite(total)
    for name in ("tags", "tags_removed"):
        ids = batch[name].values
        is_bad |= tf.reduce_any((ids < 0) | (ids >= num_tags))
    # A gather fails outside of its range and, other than an Assert, has no state, which would
    # keep tf.data from parsing in parallel.
    zero = tf.gather(tf.zeros(1, tf.int64), tf.cast(is_bad, tf.int32), name=UNSOUND)
    tags = batch["tags"]
    return {**batch, "tags": tags.with_values(tags.values + zero)}


def is_damage(error: Exception) -> bool:
    """Whether what tf.data raised may come from damaged shards."""
    if isinstance(error, tf.errors.InvalidArgumentError):
        return any(mark in str(error) for mark in _MARKS)
    kinds = (
        tf.errors.DataLossError,
        tf.errors.FailedPreconditionError,
        tf.errors.NotFoundError,
        tf.errors.PermissionDeniedError,
        # TensorFlow quotes a record that does not parse, and Python cannot read the quotation.
        UnicodeDecodeError,
    )
    return isinstance(error, kinds)


def find_bad_values(batch: Batch, num_tags: int) -> dict[str, np.ndarray]:
    """What `check_batch` refuses.

    Returns:
        For each problem, in words, the rows of the posts that have it: int64, ascending.
    """
    outside = []
    for name in ("tags", "tags_removed"):
        ids, rows = _to_pairs(batch[name])
        outside.append(rows[(ids < 0) | (ids >= num_tags)])
    found = {f"a tag id that is not from 0 to {num_tags - 1}": np.concatenate(outside)}
    for name, words in (("descriptor", "image"), ("user_descriptor", "user")):
        is_finite = np.isfinite(batch[name].numpy()).all(axis=1)
        found[f"NaN or infinity in the {words} descriptor"] = np.flatnonzero(~is_finite)
    return _those_found(found)


def find_problems(batch: Batch, num_tags: int, split: str) -> dict[str, np.ndarray]:
    """All that is wrong with the posts of a batch, each for itself, as `find_bad_values` gives it.

    In `train`, tags that are not in the vocabulary do not make up for known ones.
    """
    tags, removed = (_to_keys(batch[name], num_tags) for name in ("tags", "tags_removed"))
    out_of_vocabulary = batch["out_of_vocabulary"].numpy()
    has_tag = batch["tags"].row_lengths().numpy() > 0
    if split != "train":
        has_tag |= out_of_vocabulary > 0
    repeated = [keys[1:][keys[1:] == keys[:-1]] for keys in (tags, removed)]
    found = {
        "a tag twice": np.concatenate(repeated) // num_tags,
        "a tag both kept and removed": np.intersect1d(tags, removed) // num_tags,
        "no tag": np.flatnonzero(~has_tag),
        "a negative tags/out_of_vocabulary": np.flatnonzero(out_of_vocabulary < 0),
    }
    return find_bad_values(batch, num_tags) | _those_found(found)


def read_shard(
    path: str | Path, manifest: Manifest, batch_size: int = _BATCH_SIZE
) -> Iterator[Batch]:
    """The records of a local shard, in order, in batches of `tagkeras.data.records.parse`.

    Raises:
        ShardError: it is cut off or corrupt, or a record is not as the manifest says; some of the
            records before that may be left out.
    """
    try:
        serialized_batches = tf.data.TFRecordDataset(str(path), buffer_size=2**20)
        for number, serialized in enumerate(serialized_batches.batch(batch_size).prefetch(2)):
            try:
                yield records.parse(serialized, manifest)
            except _NOT_PARSED as error:
                words = _find_unparsable(serialized, manifest, number * batch_size)
                raise ShardError(words) from error
    except tf.errors.OpError as error:
        raise ShardError(_explain_file(error)) from error


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
            for shard in sorted((dataset / split).glob("*.tfrecord")):
                in_shard = 0
                try:
                    for batch in read_shard(shard, manifest):
                        for problem, rows in find_bad_values(batch, manifest.num_tags).items():
                            post_id = batch["post_id"][rows[0]].numpy()
                            return f"{shard}: {_name(in_shard + rows[0], post_id)} has {problem}"
                        in_shard += len(batch["post_id"])
                        advance(len(batch["post_id"]))
                except ShardError as error:
                    return f"{shard}: {error}"
                found += in_shard
            if found != expected:
                return describe_count(dataset / split, found, expected)
    return None


def describe_count(folder: Path, found: int, expected: int) -> str:
    """Words for a split with more or fewer posts than its manifest says."""
    return f"{folder}: {found:,} posts, but dataset.json says {expected:,}"


def _find_unparsable(serialized: tf.Tensor, manifest: Manifest, first: int) -> str:
    """Words for the first record of a batch that does not parse."""
    for row, record in enumerate(serialized):
        try:
            records.parse(record[tf.newaxis], manifest)
        except _NOT_PARSED as error:
            name = _name(first + row, _read_post_id(record))
            words = _explain_record(error, manifest)
            return f"{name} is not as dataset.json describes it ({words})"
    raise AssertionError("records parse one by one, but not together")


def _name(number: int, post_id: bytes | None) -> str:
    """A record, counted from 1, and its post."""
    name = f"record {number + 1:,}"
    if post_id is None:
        return name
    return f"{name} (post {post_id.decode(errors='backslashreplace')!r})"


def _read_post_id(record: tf.Tensor) -> bytes | None:
    """The id in a record, if it can be read."""
    post_id = {"post_id": tf.io.FixedLenFeature([], tf.string)}
    try:
        return tf.io.parse_single_example(record, post_id)["post_id"].numpy()
    except _NOT_PARSED:
        return None


def _explain_record(error: Exception, manifest: Manifest) -> str:
    """What a record lacks: TensorFlow may quote its bytes, and does not name the descriptor."""
    message = str(error)
    if isinstance(error, UnicodeDecodeError) or "Could not parse example" in message:
        return "no tf.Example"
    if "DecodeRaw" in message or "Shape of tensor" in message:
        size, dtype = manifest.descriptor_size, manifest.descriptor_dtype
        return f"image/descriptor: not {size} {dtype} values"
    return _first_line(message)


def _explain_file(error: tf.errors.OpError) -> str:
    """What TensorFlow says of a file that is no whole TFRecord file."""
    if found := re.search(r"(truncated|corrupted) record at (\d+)", error.message):
        kind = {"truncated": "cut off", "corrupted": "corrupt"}[found[1]]
        return f"{kind} in the record at byte {int(found[2]):,}"
    return _first_line(error.message)


def _first_line(message: str) -> str:
    """The first line of TensorFlow's message without the names of ops around it."""
    return re.sub(r"^\{\{.*?\}\} |Name: <unknown>, | \[Op:.*", "", message.splitlines()[0])


def _to_pairs(lists: tf.RaggedTensor) -> tuple[np.ndarray, np.ndarray]:
    """The values of a ragged tensor, and the row of each."""
    return lists.values.numpy(), lists.value_rowids().numpy()


def _to_keys(lists: tf.RaggedTensor, num_tags: int) -> np.ndarray:
    """One sorted number for each (post, known tag)."""
    ids, rows = _to_pairs(lists)
    is_known = (ids >= 0) & (ids < num_tags)
    return np.sort(rows[is_known] * num_tags + ids[is_known])


def _those_found(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {words: np.unique(rows) for words, rows in found.items() if rows.size}
