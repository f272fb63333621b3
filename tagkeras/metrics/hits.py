"""Which of a post's predictions are right."""

import tensorflow as tf


def find_hits(predictions: tf.Tensor, tags: tf.RaggedTensor) -> tf.Tensor:
    """Whether each predicted tag is a tag of its post.

    Args:
        predictions: int64 [B, k], tag ids.
        tags: int64 ragged [B, (tags)], the truth.

    Returns:
        bool [B, k].
    """
    truth = tags.to_tensor(default_value=-1)
    return tf.reduce_any(predictions[:, :, None] == truth[:, None, :], axis=2)
