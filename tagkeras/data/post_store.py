"""The training posts as arrays in memory, on the host or on an accelerator."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.data import input as data_input
from tagkeras.data import records
from tagkeras.data.manifest import Manifest
from tagkeras.data.record_checks import REMEDY, describe_count
from tagkeras.data.records import Batch

_READ_BATCH = 512
# Bytes that TensorFlow wants the address of a tensor's data to be a multiple of, or it aborts.
_ALIGNMENT = 64


class PostStore(tf.Module):
    """The training posts by their row, in the order of the shards; looked up in graph.

    Args:
        dataset: folder to load them from, with progress on the screen.
        manifest: its manifest.
        shards: paths of those of the split.
        device: to hold the descriptors on, as in "GPU:0", in the dtype they are stored in. The tags
            stay on the host, where ragged tensors are gathered, and are copied by the batch.

    Attributes:
        shard_sizes: rows of each shard.

    Raises:
        UserError: a shard or a post is damaged, there are more or fewer than the manifest says, or
            the device has too little memory.
    """

    def __init__(
        self, dataset: Path, manifest: Manifest, shards: Sequence[str], device: str
    ) -> None:
        super().__init__()
        num_posts = manifest.splits["train"]["posts"]
        descriptors = _empty((num_posts, manifest.descriptor_size), manifest.descriptor_dtype)
        user_descriptors = _empty((num_posts, manifest.user_descriptor["size"]), "float32")
        self.shard_sizes = [0] * len(shards)
        tags: dict[str, list[Any]] = {"tags": [], "tags_removed": [], "out_of_vocabulary": []}
        stop = 0
        with progress("loading", num_posts, "posts") as advance, data_input.named_errors(dataset):
            for shard, batch in _read(manifest, shards):
                start, stop = stop, stop + len(batch["descriptor"])
                self.shard_sizes[int(shard)] += stop - start
                advance(stop - start)
                if stop > num_posts:  # only to count them
                    continue
                descriptors[start:stop] = batch["descriptor"]
                user_descriptors[start:stop] = batch["user_descriptor"]
                for name, batches in tags.items():
                    batches.append(batch[name])
        if stop != num_posts:
            raise UserError(f"{describe_count(dataset / 'train', stop, num_posts)}: {REMEDY}")
        self._device = device
        with tf.device("CPU:0"):
            self._tags = {name: tf.concat(batches, axis=0) for name, batches in tags.items()}
        try:
            with tf.device(device):
                self._descriptors = _place(descriptors)
                self._user_descriptors = _place(user_descriptors)
        except tf.errors.ResourceExhaustedError as error:
            raise UserError(
                f"the descriptors of the training posts, {descriptors.nbytes / 2**30:,.1f} GiB, do"
                " not fit in the memory of the device: use --cache=memory or --cache=none"
            ) from error

    def lookup(self, batch: Mapping[str, Any]) -> Batch:
        """Gathers posts by `row` int64 [B], their places in the order of the shards.

        Gives the tensors of `tagkeras.data.records.TRAINING_NAMES`, as `parse` makes them.
        """
        row = batch["row"]
        # Where they are: an op elsewhere would copy all of them, not the rows that it gathers.
        with tf.device(self._device):
            on_device = {
                "descriptor": tf.cast(tf.gather(self._descriptors, row), tf.float32),
                "user_descriptor": tf.gather(self._user_descriptors, row),
            }
        with tf.device("CPU:0"):
            return on_device | {name: tf.gather(of, row) for name, of in self._tags.items()}


def check_memory(manifest: Manifest, cache: str) -> None:
    """Refuses to load more than the memory that is available, where that is known.

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


def _read(manifest: Manifest, shards: Sequence[str]) -> Iterator[tuple[tf.Tensor, Batch]]:
    """Batches of a single shard each, with the number of that shard."""
    paths = tf.constant(list(shards))

    def read(shard: tf.Tensor) -> tf.data.Dataset:
        posts = tf.data.TFRecordDataset(paths[shard], buffer_size=2**20)
        return posts.batch(_READ_BATCH).map(lambda serialized: (shard, serialized))

    def parse(shard: tf.Tensor, serialized: tf.Tensor) -> tuple[tf.Tensor, Batch]:
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


def _place(array: np.ndarray) -> tf.Tensor:
    """An array on the device of the block; on the host it is shared: tf.constant would copy."""
    return tf.identity(tf.experimental.dlpack.from_dlpack(array.__dlpack__()))
