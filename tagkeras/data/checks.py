"""What tells, in graph and at no noticeable cost, that posts are not as the manifest says."""

import tensorflow as tf

# In the messages of the errors that damaged posts raise, and in no others.
POSTS_OF_MANIFEST = "posts_are_not_as_dataset_json_says"
_MARKS = (
    POSTS_OF_MANIFEST,
    "image_descriptor_of_manifest_size",
    "DecodeRaw",
    "ParseExample",
    "Could not parse example",
)


def checked(
    batch: dict[str, tf.Tensor | tf.RaggedTensor], num_tags: int
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """A parsed batch, which fails where training on it would go wrong without a word.

    Args:
        batch: of `tagkeras.data.records.parse`, with the names that training needs at least.
        num_tags: Y.

    Returns:
        The same batch.

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
    zero = tf.gather(tf.zeros(1, tf.int64), tf.cast(is_bad, tf.int32), name=POSTS_OF_MANIFEST)
    tags = batch["tags"]
    return {**batch, "tags": tags.with_values(tags.values + zero)}


def is_damage(error: Exception) -> bool:
    """Whether what tf.data raised may come from damaged posts."""
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
