"""BPR: the logistic loss of one tag that is not on the post."""

import keras
import tensorflow as tf

from tagkeras.data.post_tags import PostTags
from tagkeras.losses.ranking_loss import Draw, PairLoss


@keras.saving.register_keras_serializable(package="tagkeras")
class Bpr(PairLoss):
    """-log sigmoid(f(y+) - f(y-)), y- uniform among the tags that are not on the post.

    Every pair counts the same, whatever the rank of the positive: it optimises the area under the
    ROC curve, where WARP looks at the top of the list.

    Example:
        >>> model = tagkeras.models.HashtagModel(tagkeras.layers.BilinearEmbedding(8), num_tags=50)
        >>> model.compile(loss=Bpr())

    References:
        Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback" (UAI 2009),
        section 4.
    """

    def draw(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Draw:
        """Pairs of each positive with one negative."""
        del phi
        num_tags = table.shape[0]
        negative = post_tags.draw_candidates(post_tags.post, num_tags, 1, seed)[:, 0]
        weight = tf.ones_like(negative, tf.float32)
        is_pair = post_tags.has_candidates(num_tags)
        return self.draw_pairs(table, post_tags, negative, weight, is_pair, {})

    def pair_loss(self, positive_scores: tf.Tensor, negative_scores: tf.Tensor) -> tf.Tensor:
        """-log sigmoid of the difference, float [R]."""
        return tf.nn.softplus(negative_scores - positive_scores)
