"""The records of a shard, in batches of arrays."""

import dataclasses
import re
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from beam.inspect.dataset_files import to_words
from beam.running import storage
from tagkeras.data import records
from tagkeras.data.manifest import Manifest

BATCH_SIZE = 1024
_NUM_HASHES = 2**63 - 1
_PARSE_ERRORS = (tf.errors.InvalidArgumentError, UnicodeDecodeError)


class ShardError(Exception):
    """What is wrong with a shard, where, and why it cannot be read on."""


@dataclasses.dataclass(frozen=True, eq=False)
class TagLists:
    """Lists of tag ids, one a post.

    Attributes:
        ids: int64 [P], of all posts, one after the other.
        rows: int64 [P], the post of each.
    """

    ids: np.ndarray
    rows: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """Some records of a shard.

    Attributes:
        parsed: what `tagkeras.data.records.parse` gave.
        post_hashes: int64 [B], of post ids; equal for equal ids, in practice for those alone.
        user_hashes: int64 [B], of user ids.
        descriptors: float32 [B, n].
        user_descriptors: float32 [B, m].
        tags: of each post.
        removed: taken off by balancing.
        out_of_vocabulary: int64 [B].
    """

    parsed: dict[str, tf.Tensor | tf.RaggedTensor]
    post_hashes: np.ndarray
    user_hashes: np.ndarray
    descriptors: np.ndarray
    user_descriptors: np.ndarray
    tags: TagLists
    removed: TagLists
    out_of_vocabulary: np.ndarray

    def __len__(self) -> int:
        return len(self.post_hashes)

    def text(self, name: str, row: int) -> str:
        """A string feature of a post, fit for the screen."""
        return to_words(self.parsed[name][row].numpy())


class ShardReader:
    """Reads shards as a manifest describes them.

    Args:
        manifest: of the dataset.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def read(self, path: str) -> Iterator[Batch]:
        """The records of a shard, in order.

        Args:
            path: local or a URI.

        Raises:
            ShardError: it is cut off or corrupt, or a record is not as the manifest says; some of
                the records before that may be left out.
        """
        try:
            with storage.reading(path) as local:
                posts = tf.data.TFRecordDataset(str(local), buffer_size=2**20)
                batches = enumerate(posts.batch(BATCH_SIZE).prefetch(2))
                for number, serialized in batches:
                    yield self._read_batch(serialized, number * BATCH_SIZE)
        except tf.errors.OpError as error:
            raise ShardError(f"{path}: {_explain(error)}") from error
        except OSError as error:
            raise ShardError(f"{path}: {error.strerror or storage.explain(error)}") from error
        except _RecordError as error:
            raise ShardError(f"{path}, {error}") from error

    def _read_batch(self, serialized: tf.Tensor, first: int) -> Batch:
        try:
            parsed = records.parse(serialized, self._manifest)
        except _PARSE_ERRORS as error:
            raise self._find_bad_record(serialized, first) from error
        return Batch(
            parsed=parsed,
            post_hashes=_hash(parsed["post_id"]),
            user_hashes=_hash(parsed["user_id"]),
            descriptors=parsed["descriptor"].numpy(),
            user_descriptors=parsed["user_descriptor"].numpy(),
            tags=_to_lists(parsed["tags"]),
            removed=_to_lists(parsed["tags_removed"]),
            out_of_vocabulary=parsed["out_of_vocabulary"].numpy(),
        )

    def _find_bad_record(self, serialized: tf.Tensor, first: int) -> "_RecordError":
        """The first record of a batch that does not parse, with TensorFlow's word for it."""
        for number, record in enumerate(serialized, first + 1):
            try:
                records.parse(record[tf.newaxis], self._manifest)
            except _PARSE_ERRORS as error:
                words = self._explain_record(error)
                return _RecordError(
                    f"record {number:,}: not as dataset.json describes it ({words})"
                )
        raise AssertionError("records parse one by one, but not together")

    def _explain_record(self, error: Exception) -> str:
        """Words for what a record has not."""
        message = str(error)
        # TensorFlow quotes the record, as far as it is UTF-8, and does not name the feature.
        if isinstance(error, UnicodeDecodeError) or "Could not parse example" in message:
            return "no tf.Example"
        if "DecodeRaw" in message or "Shape of tensor" in message:
            manifest = self._manifest
            size, dtype = manifest.descriptor_size, manifest.descriptor_dtype
            return f"image/descriptor: not {size} {dtype} values"
        return _words(error)


class _RecordError(Exception):
    pass


def _explain(error: tf.errors.OpError) -> str:
    """What TensorFlow says of a file that is no whole TFRecord file."""
    if found := re.search(r"(truncated|corrupted) record at (\d+)", error.message):
        kind = {"truncated": "cut off", "corrupted": "corrupt"}[found[1]]
        return f"{kind} in the record at byte {int(found[2]):,}"
    return _words(error)


def _words(error: Exception) -> str:
    """The first line of an error of TensorFlow without the names of ops around it."""
    line = str(error).splitlines()[0]
    return to_words(re.sub(r"^\{\{.*?\}\} |Name: <unknown>, | \[Op:.*", "", line))


def _hash(ids: tf.Tensor) -> np.ndarray:
    return tf.strings.to_hash_bucket_fast(ids, _NUM_HASHES).numpy()


def _to_lists(ragged: tf.RaggedTensor) -> TagLists:
    lengths = ragged.row_lengths().numpy()
    return TagLists(ragged.values.numpy(), np.repeat(np.arange(len(lengths)), lengths))
