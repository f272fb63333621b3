"""The best rows of a table that is too long to be scored at once."""

import tensorflow as tf


def tiled_top_k(
    phi: tf.Tensor, table: tf.Variable, k: int, tile: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """The k largest products of each phi with the rows of a table, exact, ties to the lower row.

    Args:
        phi: float [B, d].
        table: float [Y, d].
        k: at most Y.
        tile: rows scored at once; memory holds B * tile scores.

    Returns:
        The products, best first, float [B, k], and their rows, int64 [B, k].
    """
    num_rows = table.shape[0]

    def merge_tile(
        start: tf.Tensor, best: tf.Tensor, best_rows: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        rows = tf.range(start, tf.minimum(start + tile, num_rows))
        scores = tf.matmul(phi, tf.gather(table, rows), transpose_b=True)
        # Earlier rows stand first: of equals, `top_k` takes the first.
        scores, places = tf.math.top_k(scores, tf.minimum(k, tf.size(rows)))
        scores = tf.concat([best, scores], axis=1)
        rows = tf.concat([best_rows, start + places], axis=1)
        best, places = tf.math.top_k(scores, tf.minimum(k, tf.shape(scores)[1]))
        return start + tile, best, tf.gather(rows, places, batch_dims=1)

    no_rows = tf.zeros([tf.shape(phi)[0], 0], tf.int32)
    _, scores, rows = tf.while_loop(
        lambda start, *_: start < num_rows,
        merge_tile,
        (tf.constant(0), tf.cast(no_rows, phi.dtype), no_rows),
        shape_invariants=(tf.TensorShape([]), *[tf.TensorShape([None, None])] * 2),
    )
    return tf.ensure_shape(scores, [None, k]), tf.cast(tf.ensure_shape(rows, [None, k]), tf.int64)
