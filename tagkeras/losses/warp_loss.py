"""WARP: the hinge of the first violator, weighted by the rank that finding it tells."""

import tensorflow as tf

from tagkeras.data.post_tags import PostTags
from tagkeras.losses.pairs import PairLoss
from tagkeras.losses.rank_weight import estimate_rank, rank_weight
from tagkeras.losses.ranking_loss import Draw
from tagkeras.samplers.negative_sampler import NegativeSampler


class WarpLoss(PairLoss):
    """L(rank) max(0, margin - f(y+) + f(y-)) with rank = max(1, floor((Y - t) / N)).

    y- is the first violator that `sampler` draws, N the number of its draws; a positive without
    one loses nothing. The rank weight L(r) = 1 + 1/2 + ... + 1/r is a constant of the draw.

    Args:
        sampler: of the negatives; its margin is the hinge's.

    References:
        Weston, Bengio, Usunier, "WSABIE" (IJCAI 2011), equations 3 and 7.
    """

    measures = ("violator_share", "mean_draws")

    def __init__(self, sampler: NegativeSampler) -> None:
        self.sampler = sampler

    def draw(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Draw:
        """See `RankingLoss.draw`."""
        negatives = self.sampler.sample(phi, table, post_tags, seed)
        candidates = self.sampler.num_candidates(table, post_tags)
        weight = rank_weight(estimate_rank(candidates, tf.maximum(negatives.draws, 1)))
        measures = {"violator_share": negatives.found, "mean_draws": negatives.draws}
        return self.draw_pairs(table, post_tags, negatives.tag, weight, negatives.found, measures)

    def loss(self, positive_scores: tf.Tensor, negative_scores: tf.Tensor) -> tf.Tensor:
        """The hinge, float [R]."""
        return tf.nn.relu(self.sampler.margin - positive_scores + negative_scores)
