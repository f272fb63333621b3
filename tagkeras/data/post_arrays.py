"""Loads the training posts into arrays."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.data import input as data_input
from tagkeras.data import records
from tagkeras.data.damage import describe_count
from tagkeras.data.manifest import Manifest

_BATCH_SIZE = 512
# Bytes that TensorFlow wants the address of a tensor's data to be a multiple of, or it aborts.
_ALIGNMENT = 64

Ragged = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class PostArrays:
    """The posts of a split, a row each, in the order of its shards.

    Attributes:
        descriptors: float [N, n], in the dtype they are stored in.
        user_descriptors: float32 [N, m].
        tags: int64 values [P] and row splits [N + 1].
        tags_removed: like `tags`.
        out_of_vocabulary: int64 [N].
        shard_sizes: int64 [shards], rows of each shard.
    """

    descriptors: np.ndarray
    user_descriptors: np.ndarray
    tags: Ragged
    tags_removed: Ragged
    out_of_vocabulary: np.ndarray
    shard_sizes: np.ndarray


def check_memory(manifest: Manifest, cache: str) -> None:
    """Refuses to load more than the memory that is available, where that is known.

    Args:
        manifest: of the dataset.
        cache: value of --cache, for the message.

    Raises:
        UserError: the training posts do not fit.
    """
    train = manifest.splits["train"]
    value_bytes = np.dtype(manifest.descriptor_dtype).itemsize
    # Two row splits and a count; and the tags, which are there twice while they are loaded.
    post_bytes = manifest.descriptor_size * value_bytes + manifest.user_descriptor["size"] * 4 + 24
    num_tags = train.get("tag_pairs", 0) + train.get("tag_pairs_removed", 0)
    needed, available = train["posts"] * post_bytes + num_tags * 16, available_bytes()
    if available is not None and needed > available:
        raise UserError(
            f"--cache={cache}: the {train['posts']:,} training posts take {needed / 2**30:,.1f} GiB"
            f" of memory, and {available / 2**30:,.1f} GiB are available: use --cache=none"
        )


def available_bytes() -> int | None:
    """Memory that this machine can give without swapping; None where it does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kibibytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kibibytes[0]) * 1024 if kibibytes else None


def load_posts(dataset: Path, manifest: Manifest, shards: Sequence[str]) -> PostArrays:
    """Loads the training posts; shows progress.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.
        shards: paths of the training split's shards.

    Returns:
        The posts, in the order of the shards.

    Raises:
        UserError: a shard or a post is damaged, or there are more or fewer than the manifest says.
    """
    num_posts = manifest.splits["train"]["posts"]
    descriptors = _empty((num_posts, manifest.descriptor_size), manifest.descriptor_dtype)
    user_descriptors = _empty((num_posts, manifest.user_descriptor["size"]), "float32")
    shard_sizes = np.zeros(len(shards), np.int64)
    lists: dict[str, list[np.ndarray]] = {name: [] for name in ("tags", "tags_removed")}
    lengths: dict[str, list[np.ndarray]] = {name: [] for name in lists}
    out_of_vocabulary: list[np.ndarray] = []
    stop = 0
    with progress("loading", num_posts, "posts") as advance, data_input.named_errors(dataset):
        for shard, batch in _read(manifest, shards):
            start, stop = stop, stop + len(batch["descriptor"])
            shard_sizes[shard] += stop - start
            advance(stop - start)
            if stop > num_posts:  # only to count them
                continue
            descriptors[start:stop] = batch["descriptor"]
            user_descriptors[start:stop] = batch["user_descriptor"]
            out_of_vocabulary.append(batch["out_of_vocabulary"].numpy())
            for name in lists:
                lists[name].append(batch[name].values.numpy())
                lengths[name].append(batch[name].row_lengths().numpy())
    if stop != num_posts:
        raise UserError(
            f"{describe_count(dataset / 'train', stop, num_posts)}: {data_input.REMEDY}"
        )
    ragged = {
        name: (np.concatenate(lists[name]), _to_splits(np.concatenate(lengths[name])))
        for name in lists
    }
    return PostArrays(
        descriptors=descriptors,
        user_descriptors=user_descriptors,
        out_of_vocabulary=np.concatenate(out_of_vocabulary),
        shard_sizes=shard_sizes,
        **ragged,
    )


def _read(
    manifest: Manifest, shards: Sequence[str]
) -> Iterator[tuple[int, dict[str, tf.Tensor | tf.RaggedTensor]]]:
    """Batches of a single shard each, with the number of that shard."""
    paths = tf.constant(list(shards))

    def read(shard: tf.Tensor) -> tf.data.Dataset:
        posts = tf.data.TFRecordDataset(paths[shard], buffer_size=2**20)
        return posts.batch(_BATCH_SIZE).map(lambda serialized: (shard, serialized))

    def parse(shard: tf.Tensor, serialized: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        batch = data_input.parse(serialized, manifest, records.TRAINING_NAMES)
        stored = tf.cast(batch["descriptor"], manifest.descriptor_dtype)
        return shard, {**batch, "descriptor": stored}

    batches = tf.data.Dataset.range(len(shards)).flat_map(read)
    return iter(batches.map(parse, **data_input.IN_PARALLEL).prefetch(2))


def _empty(shape: tuple[int, int], dtype: str) -> np.ndarray:
    nbytes = shape[0] * shape[1] * np.dtype(dtype).itemsize
    memory = np.empty(nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + nbytes].view(dtype).reshape(shape)


def _to_splits(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)])
