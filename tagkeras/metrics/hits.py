"""Which of a post's predictions are right."""

import tensorflow as tf


def find_hits(predictions: tf.Tensor, tags: tf.RaggedTensor) -> tf.Tensor:
    """Whether each predicted tag is a tag of its post.

    Args:
        predictions: int64 [B, k], tag ids; negative where there is none, which is never right.
        tags: int64 ragged [B, (tags)], the truth.

    Returns:
        bool [B, k].
    """
    truth = tags.to_tensor(default_value=-1)
    is_hit = tf.reduce_any(predictions[:, :, None] == truth[:, None, :], axis=2)
    return is_hit & (predictions >= 0)
