"""The search that scores every hashtag."""

import tensorflow as tf

from tagkeras.retrieval.tag_index import TagIndex
from tagkeras.retrieval.top_k import top_k


class ExactIndex(TagIndex):
    """Scores all rows in tiles: see `tagkeras.retrieval.top_k`.

    Args:
        table: float [Y, d].
    """

    def __init__(self, table: tf.Variable) -> None:
        super().__init__()
        self.table = table

    @property
    def is_exact(self) -> bool:
        """True."""
        return True

    def top_k(self, phi: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """See `TagIndex`."""
        return top_k(phi, self.table, k)

    def rows(self, ids: tf.Tensor) -> tf.Tensor:
        """See `TagIndex`."""
        return tf.gather(self.table, ids)
