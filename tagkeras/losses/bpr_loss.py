"""BPR: the logistic loss of one tag that is not on the post."""

import tensorflow as tf

from tagkeras.data.candidates import draw_candidates
from tagkeras.data.post_tags import PostTags
from tagkeras.losses.pairs import PairLoss
from tagkeras.losses.ranking_loss import Draw
from tagkeras.samplers.negative_sampler import NegativeSampler


class BprLoss(PairLoss):
    """-log sigmoid(f(y+) - f(y-)), y- uniform among the tags that are not on the post.

    Every pair counts the same, whatever the rank of the positive: it optimises the area under the
    ROC curve, where WARP looks at the top of the list.

    References:
        Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback" (UAI 2009),
        section 4.
    """

    def draw(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Draw:
        """See `RankingLoss.draw`."""
        del phi
        negative = draw_candidates(post_tags, post_tags.post, table.shape[0], 1, seed)[:, 0]
        is_pair = NegativeSampler.has_candidates(table, post_tags)
        weight = tf.ones_like(negative, tf.float32)
        return self.draw_pairs(table, post_tags, negative, weight, is_pair, {})

    def loss(self, positive_scores: tf.Tensor, negative_scores: tf.Tensor) -> tf.Tensor:
        """-log sigmoid of the difference, float [R]."""
        return tf.nn.softplus(negative_scores - positive_scores)
