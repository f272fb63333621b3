"""WARP: the hinge of the first violator, weighted by the rank that the number of draws implies."""

import keras
import tensorflow as tf

from tagkeras import samplers
from tagkeras.data.post_tags import PostTags
from tagkeras.losses.ranking_loss import Draw, PairLoss
from tagkeras.names import RANK_WEIGHTS

EULER_GAMMA = 0.5772156649015329


@keras.saving.register_keras_serializable(package="tagkeras")
class Warp(PairLoss):
    """L(rank) max(0, margin - f(y+) + f(y-)) with rank = max(1, floor((Y - t) / N)).

    For each positive y+ a sampler draws tags that are not on the post until one violates,
    f(y-) > f(y+) - margin; N is the number of draws, Y - t that of the tags not on the post. A
    positive without a violator loses nothing. The rank weight L(r) = 1 + 1/2 + ... + 1/r is a
    constant of the draw.

    Args:
        margin: of the hinge, at least 0.
        sampler: of the negatives: one of `tagkeras.samplers`, or its name.
        rank_weight: `harmonic`, or `none` for L = 1: every violator counts alike.

    Example:
        >>> loss = Warp(margin=0.1, sampler=tagkeras.samplers.Pooled(max_negatives=100))
        >>> model = tagkeras.models.HashtagModel(tagkeras.layers.BilinearEmbedding(8), num_tags=50)
        >>> model.compile(loss=loss)

    References:
        Weston, Bengio, Usunier, "WSABIE" (IJCAI 2011), equations 3 and 7. Without the weight it is
        the loss of Wu et al., "StarSpace" (AAAI 2018).
    """

    measures = ("violator_share", "mean_draws")

    def __init__(
        self,
        margin: float = 0.1,
        sampler: str | samplers.Sampler = "pooled",
        *,
        rank_weight: str = "harmonic",
    ) -> None:
        if margin < 0:
            raise ValueError(f"margin must be at least 0, received {margin}")
        if rank_weight not in RANK_WEIGHTS:
            raise ValueError(f"rank_weight must be one of {RANK_WEIGHTS}, received {rank_weight!r}")
        self.margin = margin
        self.rank_weight = rank_weight
        self.sampler = samplers.get(sampler)

    def draw(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Draw:
        """Pairs of each positive with its first violator, weighted by its estimated rank."""
        num_tags = table.shape[0]
        own = tf.gather(table, post_tags.tag)
        scores = tf.reduce_sum(tf.gather(phi, post_tags.post) * own, axis=1)
        negatives = self.sampler.sample(phi, table, post_tags, scores - self.margin, seed)
        if self.rank_weight == "none":
            weight = tf.ones_like(scores)
        else:
            draws = tf.maximum(negatives.draws, 1)
            weight = rank_weight(estimate_rank(post_tags.num_candidates(num_tags), draws))
        measures = {"violator_share": negatives.found, "mean_draws": negatives.draws}
        return self.draw_pairs(table, post_tags, negatives.tag, weight, negatives.found, measures)

    def pair_loss(self, positive_scores: tf.Tensor, negative_scores: tf.Tensor) -> tf.Tensor:
        """The hinge, float [R]."""
        return tf.nn.relu(self.margin - positive_scores + negative_scores)


def rank_weight(rank: tf.Tensor) -> tf.Tensor:
    """L(r) = 1 + 1/2 + ... + 1/r, the r-th harmonic number, as float32.

    Args:
        rank: integers of at least 1, any shape.

    Returns:
        float32 tensor of the same shape: psi(r + 1) + Euler's constant, which is the sum.

    Example:
        >>> rank_weight(tf.constant([1, 2, 4])).numpy().round(3)
        array([1.   , 1.5  , 2.083], dtype=float32)

    References:
        Weston, Bengio, Usunier, "WSABIE" (IJCAI 2011), equation 4 with alpha_i = 1/i.
    """
    return tf.math.digamma(tf.cast(rank, tf.float32) + 1.0) + EULER_GAMMA


def estimate_rank(num_candidates: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """max(1, floor((Y - t) / N)): the rank that N draws until a violator imply.

    Args:
        num_candidates: Y - t, how many tags are not on the post, integers of at least 0.
        draws: N, integers of at least 1, same shape and dtype.
    """
    return tf.maximum(num_candidates // draws, 1)
