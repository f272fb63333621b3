"""The training step of a hashtag model: draw, differentiate, update, project."""

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from tagkeras.data.post_tags import PostTags
from tagkeras.layers.max_norm import max_norm_weights, project_columns
from tagkeras.layers.normalized_product import not_for_xla

if TYPE_CHECKING:
    from tagkeras.models.hashtag_model import HashtagModel


def take_step(
    model: "HashtagModel",
    inputs: Mapping[str, tf.Tensor],
    post_tags: PostTags,
    thread: tf.Tensor | int = 0,
) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """One step of gradient descent on a batch of posts.

    In this order: `input_dropout` hides parts of the inputs; `loss.draw` draws the negatives (WARP:
    its sampler finds violators, and the number of draws gives the rank weight); a tape
    differentiates `loss.total` by the weights and by the gathered rows of the table; the optimizers
    update both; max-norm projects them: the columns of the weights here, the rows in
    `RowOptimizer.apply`.

    The loss of a batch is the mean over its positives, those without a loss included, or their sum:
    a sum makes the step of the paper, which adds up the steps of single examples. Under a
    `tf.distribute` strategy each replica calls it with its share of the global batch: gradients of
    the weights are summed by the Keras optimizer, and those of the rows gathered from all replicas
    and merged, so that all take the step that one device would take on the whole batch.

    Args:
        model: built and compiled.
        inputs: of the embedding.
        post_tags: the tags of the same posts.
        thread: number of the thread that takes the step, where several share the weights: no
            two of them draw alike.

    Returns:
        `loss` and the loss's own measures by name, each a pair of values and weights, whose
        weighted mean is the measure.
    """
    table, seed = model.tag_table.value, _draw_seed(model, thread)
    if model.input_dropout is not None:
        inputs = model.input_dropout(inputs, seed)
    with tf.GradientTape() as tape:
        with contextlib.nullcontext() if model.for_xla else not_for_xla():
            phi = tf.cast(model.embedding(inputs, training=True), tf.float32)
        with tape.stop_recording():
            draw = model.loss.draw(phi, table, post_tags, seed)
            rows = draw.gather(table)
        tape.watch(rows)
        total = model.loss.total(phi, rows, post_tags, draw)
        num_positives = tf.cast(post_tags.num_positives, total.dtype)
        objective = total
        if model.reduction == "mean":
            objective /= tf.maximum(_sum_over_replicas(num_positives), 1)
        if model.embedding.losses:  # regularizers of phi
            objective += tf.add_n(model.embedding.losses) / _num_replicas()
        # Under `mixed_float16` the loss is scaled up, so that small gradients do not underflow.
        scale = model.optimizer.scale_loss(tf.constant(1.0))
        scaled = scale * objective
    weights = model.embedding.trainable_variables
    *gradients, row_gradients = tape.gradient(
        scaled, [*(w.value for w in weights), rows], unconnected_gradients="zero"
    )
    row_gradients = tf.convert_to_tensor(row_gradients) / scale
    if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        is_finite = _are_finite([*gradients, row_gradients])
        tf.cond(is_finite, lambda: _update_rows(model, draw.tags, row_gradients), lambda: None)
        # Infinite gradients make the optimizer skip its step too, and lower the scale.
        gradients = [tf.where(is_finite, gradient, math.inf) for gradient in gradients]
    else:
        _update_rows(model, draw.tags, row_gradients)
    model.optimizer.apply(gradients, weights)
    if model.max_norm is not None:
        project_columns(max_norm_weights(model.embedding), model.max_norm)
    measures = {
        name: (tf.cast(values, tf.float32), draw.measured) for name, values in draw.measures.items()
    }
    return {"loss": (total / tf.maximum(num_positives, 1), num_positives), **measures}


def _draw_seed(model: "HashtagModel", thread: tf.Tensor | int) -> tf.Tensor:
    step = tf.cast(model.optimizer.iterations, tf.int32)
    seed = tf.stack([tf.constant(model.seed), step])
    replica = _replica()
    if replica is not None:
        thread = replica.replica_id_in_sync_group
    elif isinstance(thread, int) and thread == 0:
        return seed  # of a run with one thread
    return tf.random.experimental.stateless_fold_in(seed, thread)


def _update_rows(model: "HashtagModel", tags: tf.Tensor | None, gradients: tf.Tensor) -> None:
    """Applies the gradients of the rows, those of all replicas together."""
    replica = _replica()
    if replica is not None and tags is None:
        gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    elif replica is not None:
        tags = replica.all_gather(tags, axis=0)
        gradients = replica.all_gather(gradients, axis=0)
    model.row_optimizer.apply(
        model.tag_table.value,
        tags,
        gradients,
        learning_rate=model.optimizer.learning_rate,
        max_norm=model.max_norm,
    )


def _replica() -> tf.distribute.ReplicaContext | None:
    """The context of one of several replicas; None where there is only one."""
    replica = tf.distribute.get_replica_context()
    return replica if replica is not None and replica.num_replicas_in_sync > 1 else None


def _num_replicas() -> int:
    replica = _replica()
    return 1 if replica is None else replica.num_replicas_in_sync


def _sum_over_replicas(value: tf.Tensor) -> tf.Tensor:
    replica = _replica()
    return value if replica is None else replica.all_reduce(tf.distribute.ReduceOp.SUM, value)


def _are_finite(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors])
