"""The record codec: one post as a tf.Example, and batches of them as tensors.

| feature | type |
|---|---|
| `post_id` | bytes |
| `user_id` | bytes, HMAC-SHA256 in hexadecimal digits |
| `image/descriptor` | bytes, n raw little-endian values of the manifest's `descriptor_dtype` |
| `user/descriptor` | m floats |
| `user/NAME` of each fact but the place | a float, NaN if unknown, or bytes, empty if unknown |
| `user/location` | latitude and longitude, rounded, NaN if unknown |
| `tags` | int64 list, vocabulary ids |
| `tags/removed` | int64 list, ids taken off by balancing: neither truth nor negatives |
| `tags/out_of_vocabulary` | int64, number of tags that are not in the vocabulary |
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.data.facts import FACTS, LATITUDE, LONGITUDE, Fact
from tagkeras.data.manifest import Manifest

# The tensors that `parse` makes beside the facts, and the features that it makes them from.
_FEATURES = {
    "post_id": "post_id",
    "user_id": "user_id",
    "descriptor": "image/descriptor",
    "user_descriptor": "user/descriptor",
    "location": "user/location",
    "tags": "tags",
    "tags_removed": "tags/removed",
    "out_of_vocabulary": "tags/out_of_vocabulary",
}
# Those that training needs.
TRAINING_NAMES = ("descriptor", "user_descriptor", "tags", "tags_removed", "out_of_vocabulary")

Batch = dict[str, tf.Tensor | tf.RaggedTensor]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class PostRecord:
    """One post of a dataset.

    Attributes:
        post_id: as given, or its keyed hash.
        user_id: keyed hash in hexadecimal digits.
        descriptor: float [n], finite.
        user_descriptor: float [m], of `tagkeras.layers.user_descriptor`.
        tags: vocabulary ids.
        tags_removed: vocabulary ids taken off by balancing.
        out_of_vocabulary: number of tags that are not in the vocabulary.
        facts: of `single_facts` by name, numbers or UTF-8 bytes; an absent one is unknown.
        location: latitude and longitude in degrees, rounded; both NaN if unknown.
    """

    post_id: bytes
    user_id: bytes
    descriptor: np.ndarray
    user_descriptor: Sequence[float] | np.ndarray
    tags: Sequence[int]
    tags_removed: Sequence[int] = ()
    out_of_vocabulary: int = 0
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    location: tuple[float, float] = (float("nan"), float("nan"))


def single_facts(facts: Sequence[Fact] = FACTS) -> tuple[Fact, ...]:
    """Those of some facts that have a feature of their own; the place has one of two values."""
    return tuple(fact for fact in facts if fact not in (LATITUDE, LONGITUDE))


def encode(record: PostRecord, descriptor_dtype: str, facts: Sequence[Fact] = FACTS) -> bytes:
    """Serializes a post as a tf.Example, its descriptor in one of `DESCRIPTOR_DTYPES`."""
    example = tf.train.Example()
    feature = example.features.feature
    stored = np.dtype(descriptor_dtype).newbyteorder("<")
    feature["post_id"].bytes_list.value.append(record.post_id)
    feature["user_id"].bytes_list.value.append(record.user_id)
    feature["image/descriptor"].bytes_list.value.append(record.descriptor.astype(stored).tobytes())
    feature["user/descriptor"].float_list.value.extend(record.user_descriptor)
    for fact in single_facts(facts):
        of_fact = feature[f"user/{fact.name}"]
        if fact.is_text:
            of_fact.bytes_list.value.append(record.facts.get(fact.name, b""))
        else:
            of_fact.float_list.value.append(record.facts.get(fact.name, fact.unknown))
    feature["user/location"].float_list.value.extend(record.location)
    feature["tags"].int64_list.value.extend(record.tags)
    feature["tags/removed"].int64_list.value.extend(record.tags_removed)
    feature["tags/out_of_vocabulary"].int64_list.value.append(record.out_of_vocabulary)
    return example.SerializeToString(deterministic=True)


def parse(serialized: tf.Tensor, manifest: Manifest, names: Collection[str] | None = None) -> Batch:
    """Parses a batch of serialized posts, in graph or eagerly.

    Args:
        serialized: string [B].
        manifest: of the dataset; says n, m and how descriptors are stored.
        names: which of the tensors below to make, by default all; the features of others may be
            missing.

    Returns:
        `post_id` and `user_id` string [B], `descriptor` float32 [B, n], `user_descriptor` float32
        [B, m], `tags` and `tags_removed` ragged int64 [B, None], `out_of_vocabulary` int64 [B],
        each of the `single_facts` float32 or string [B], `location` float32 [B, 2].

    Raises:
        tf.errors.InvalidArgumentError: a feature is missing or has another size.
    """
    text, number = tf.io.FixedLenFeature([], tf.string), tf.io.FixedLenFeature([], tf.float32)
    ids = tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
    facts = single_facts(manifest.facts.facts)
    feature_of = {**_FEATURES, **{fact.name: f"user/{fact.name}" for fact in facts}}
    types = {
        "post_id": text,
        "user_id": text,
        "descriptor": text,
        "user_descriptor": tf.io.FixedLenFeature([manifest.user_descriptor["size"]], tf.float32),
        **{fact.name: text if fact.is_text else number for fact in facts},
        "location": tf.io.FixedLenFeature([2], tf.float32),
        "tags": ids,
        "tags_removed": ids,
        "out_of_vocabulary": tf.io.FixedLenFeature([], tf.int64),
    }
    names = feature_of if names is None else names
    features = tf.io.parse_example(serialized, {feature_of[name]: types[name] for name in names})
    batch = {name: features[feature_of[name]] for name in names}
    if "descriptor" in batch:
        batch["descriptor"] = _decode(
            batch["descriptor"], manifest.descriptor_size, manifest.descriptor_dtype
        )
    return batch


def _decode(raw: tf.Tensor, size: int, dtype: str) -> tf.Tensor:
    """Raw little-endian values, string [B], to float32 [B, size]."""
    values = tf.io.decode_raw(raw, tf.as_dtype(dtype), little_endian=True)
    # An empty batch decodes to [0, 0]; any other keeps the length that its strings have.
    length = tf.where(tf.size(raw) > 0, tf.shape(values)[1], size)
    values = tf.reshape(values, [tf.size(raw), length])
    # No Assert: a stateful op would keep tf.data from parsing in parallel.
    values = tf.ensure_shape(values, [None, size], name="image_descriptor_of_manifest_size")
    return tf.cast(values, tf.float32)
