"""The best rows of a table for each vector of a batch, exact, in bounded memory."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from tagkeras.retrieval.best_blocks import BestBlocks

# Scores held at once, 16 MiB. Measured: from 32 MiB on, the C library's allocator takes fresh pages
# from the system for each tile, which costs as much as the products.
TILE_SCORES = 2**22
# Tags in a tile: fewer make products and calls slow; more of them, only the copies of their rows.
SMALL_TILE, LARGE_TILE, LARGEST_TILE = 2**12, 2**14, 2**16
# Tags in a block: more make candidates of the best blocks, fewer make many blocks.
SMALL_BLOCK, LARGE_BLOCK = 16, 64
# A block is so small that the k best blocks of a tile are at most a quarter of it.
TILE_BY_CANDIDATES = 4


@dataclasses.dataclass(frozen=True)
class Tiling:
    """How the scores of a batch are divided.

    Attributes:
        scores: the most that are held at once, if one post's tile has no more.
        tags: the least number of tags in a tile, but that of all if these are fewer.
        most_tags: the largest number, for small batches.
        block: tags in a block, of which a tile has k or more; None to rank all tags of a tile.
    """

    scores: int
    tags: int
    most_tags: int
    block: int | None

    @classmethod
    def choose(cls, k: int, num_tags: int) -> "Tiling":
        """The one that was fast for k of so many tags; measured by `benchmarks.ranking`."""
        wanted = LARGE_BLOCK * k
        tags = min(max(SMALL_TILE, 2 ** (wanted - 1).bit_length()), LARGEST_TILE)
        largest_block = min(tags, num_tags) // (TILE_BY_CANDIDATES * k)
        if largest_block < SMALL_BLOCK:
            tags = max(LARGEST_TILE, TILE_BY_CANDIDATES * k)
            return cls(TILE_SCORES, tags, tags, None)
        block = min(LARGE_BLOCK, 2 ** (largest_block.bit_length() - 1))
        return cls(TILE_SCORES, tags, max(tags, LARGE_TILE), block)

    def group(self, num_tags: int) -> int:
        """The number of posts whose tiles are scored at once."""
        return max(1, self.scores // min(self.tags, num_tags))

    def tile(self, num_posts: tf.Tensor, num_tags: int) -> tf.Tensor:
        """The number of tags in a tile for such a group, int32, a multiple of `block`."""
        block = self.block or 1
        tile = tf.clip_by_value(self.scores // num_posts, self.tags, self.most_tags)
        return tf.minimum(tile, num_tags) // block * block


def top_k(
    phi: tf.Tensor, table: tf.Variable, k: int, tiling: Tiling | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """The k largest products of each phi with the rows of a table, ties to the lower row.

    The result is that of `tf.math.top_k` on all scores, exactly, infinite ones included. Posts and
    tags are taken in tiles, so that memory does not grow with B * Y. Of a NaN among a post's scores
    it is not defined which rows are answered to that post. Made of stock ops, whose shapes are
    not all known beforehand: XLA cannot compile them.

    Args:
        phi: float [B, d]; B may be 0.
        table: float [Y, d].
        k: from 1 to Y.
        tiling: how to divide the scores; chosen by k and Y if None.

    Returns:
        The scores, best first, float [B, k], and their rows, int64 [B, k].

    Raises:
        ValueError: k is not from 1 to Y.
    """
    num_tags = table.shape[0]
    if not 1 <= k <= num_tags:
        raise ValueError(f"k must be from 1 to the table's {num_tags} rows, received {k}")
    tiling = tiling or Tiling.choose(k, num_tags)
    group = tiling.group(num_tags)
    num_posts = tf.shape(phi)[0]

    def add_group(
        start: tf.Tensor, scores: tf.Tensor, ids: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        of_group = _rank(phi[start : start + group], table, k, tiling)
        return (
            start + group,
            tf.concat([scores, of_group[0]], axis=0),
            tf.concat([ids, of_group[1]], axis=0),
        )

    none = tf.zeros([0, k], tf.int32)
    _, scores, ids = tf.while_loop(
        lambda start, *_: start < num_posts,
        add_group,
        (tf.constant(0), tf.cast(none, phi.dtype), none),
        shape_invariants=(tf.TensorShape([]), *[tf.TensorShape([None, k])] * 2),
        parallel_iterations=1,
    )
    # A NaN could bring up what fills the last block.
    ids = tf.cast(tf.minimum(ids, num_tags - 1), tf.int64)
    shape = [phi.shape[0], k]  # the loop forgets a B that is known
    return tf.ensure_shape(scores, shape), tf.ensure_shape(ids, shape)


def _rank(
    phi: tf.Tensor, table: tf.Variable, k: int, tiling: Tiling
) -> tuple[tf.Tensor, tf.Tensor]:
    """`top_k` of one group of posts, ids int32."""
    num_tags = table.shape[0]

    def score(start: tf.Tensor | int, end: tf.Tensor | int) -> tf.Tensor:
        # Gathered, not sliced: to slice a variable that was trained row by row copies all of it.
        return tf.matmul(phi, tf.gather(table, tf.range(start, end)), transpose_b=True)

    if tiling.block is None:
        return _merge_tiles(score, k, num_tags, tiling.tags)
    tile = tiling.tile(tf.shape(phi)[0], num_tags)
    best = BestBlocks.of_first(score(0, tile), k, tiling.block)
    start, best = tf.while_loop(
        lambda start, _: start + tile <= num_tags,
        lambda start, best: (start + tile, best.merge(score(start, start + tile), start)),
        (tile, best),
        shape_invariants=(tf.TensorShape([]), BestBlocks.shapes(k, tiling.block)),
        parallel_iterations=1,
    )
    return best.merge_rest(score(start, num_tags), start).top_k()


def _merge_tiles(
    score: Callable[..., tf.Tensor], k: int, num_tags: int, tile: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Ranks all tags of each tile, with the best of the tiles before; for large k and small Y."""
    first = min(tile, num_tags)
    best, ids = tf.math.top_k(score(0, first), k)
    if first == num_tags:
        return best, ids

    def merge(
        start: tf.Tensor, best: tf.Tensor, ids: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        scores = score(start, tf.minimum(start + tile, num_tags))
        best, place = tf.math.top_k(tf.concat([best, scores], axis=1), k)
        # Earlier tags stand first: of equals, `tf.math.top_k` takes the first.
        old = tf.gather(ids, tf.minimum(place, k - 1), batch_dims=1)
        return start + tile, best, tf.where(place < k, old, start + place - k)

    _, best, ids = tf.while_loop(
        lambda start, *_: start < num_tags,
        merge,
        (tf.constant(first), best, ids),
        shape_invariants=(tf.TensorShape([]), *[tf.TensorShape([None, k])] * 2),
        parallel_iterations=1,
    )
    return best, ids
