import numpy as np
import pytest
import tensorflow as tf
from batches import as_post_tags
from hypothesis import given, settings
from hypothesis import strategies as st

from tagkeras.data.post_tags import NO_TAG, PostTags, Truth

TAGS, REMOVED = [[9, 4], [], [7], [], [2, 5, 3]], [[], [1], [8, 0], [], []]
# Posts of distinct tags, each of which was kept or removed.
POSTS = st.lists(
    st.dictionaries(st.integers(0, 50), st.booleans(), max_size=12), min_size=0, max_size=30
)


def test_by_hand():
    post_tags = as_post_tags(TAGS, REMOVED)
    np.testing.assert_array_equal(post_tags.post, [0, 0, 2, 4, 4, 4])
    np.testing.assert_array_equal(post_tags.tag, [9, 4, 7, 2, 5, 3])
    np.testing.assert_array_equal(post_tags.is_positive, [True] * 6)
    np.testing.assert_array_equal(post_tags.excluded_post, [0, 0, 2, 4, 4, 4, 1, 2, 2])
    np.testing.assert_array_equal(post_tags.excluded_tag, [9, 4, 7, 2, 5, 3, 1, 8, 0])
    n = NO_TAG
    np.testing.assert_array_equal(
        post_tags.excluded_by_post[:, :4],
        [[4, 9, n, n], [1, n, n, n], [0, 7, 8, n], [n, n, n, n], [2, 3, 5, n]],
    )
    np.testing.assert_array_equal(post_tags.num_excluded, [2, 1, 3, 0, 3])
    np.testing.assert_array_equal(post_tags.num_candidates(10), [8, 8, 7, 7, 7, 7])
    np.testing.assert_array_equal(post_tags.has_candidates(3), [True] * 2 + [False] * 4)
    assert post_tags.num_positives == 6
    assert not post_tags.is_padded
    assert [value.dtype for value in post_tags[:-1]] == [
        tf.int32,
        tf.int64,
        tf.bool,
        tf.int32,
        tf.int64,
        tf.int64,
        tf.int32,
    ]


@settings(deadline=None, max_examples=60)
@given(POSTS, st.booleans())
def test_any_batch(posts, pad):
    tags = [[tag for tag, kept in post.items() if kept] for post in posts]
    removed = [[tag for tag, kept in post.items() if not kept] for post in posts]
    post_tags = as_post_tags(tags, removed, pad=pad)
    is_positive = post_tags.is_positive.numpy()
    count = sum(map(len, tags))
    assert is_positive[:count].all()
    assert not is_positive[count:].any()
    pairs = [(post, tag) for post, own in enumerate(tags) for tag in own]
    found = zip(post_tags.post.numpy()[:count], post_tags.tag.numpy()[:count], strict=True)
    assert list(found) == pairs
    assert not post_tags.post.numpy()[count:].any()
    assert not post_tags.tag.numpy()[count:].any()
    excluded = post_tags.excluded_tag.numpy() >= 0
    assert not post_tags.excluded_post.numpy()[~excluded].any()
    pairs += [(post, tag) for post, own in enumerate(removed) for tag in own]
    assert pairs == list(
        zip(
            post_tags.excluded_post.numpy()[excluded],
            post_tags.excluded_tag.numpy()[excluded],
            strict=True,
        )
    )
    by_post = post_tags.excluded_by_post.numpy()
    assert len(by_post) == len(posts)
    for row, post in zip(by_post, posts, strict=True):
        assert list(row[: len(post)]) == sorted(post)
        assert (row[len(post) :] == NO_TAG).all()
        assert row[-1] == NO_TAG
    np.testing.assert_array_equal(post_tags.num_excluded, [len(post) for post in posts])
    assert post_tags.num_positives == count
    assert post_tags.is_padded == pad


@pytest.mark.parametrize("pad", [False, True])
def test_batch_without_posts(pad):
    post_tags = as_post_tags([], pad=pad)
    assert post_tags.num_positives == 0
    assert post_tags.excluded_by_post.shape[0] == post_tags.num_excluded.shape[0] == 0
    assert post_tags.post.shape == ((8,) if pad else (0,))


def padded_sizes(sizes_needed):
    """The padded number of positives, excluded pairs and columns of one post of n tags."""
    sizes = {}
    for size in sizes_needed:
        tags = tf.RaggedTensor.from_row_lengths(tf.range(size, dtype=tf.int64), [size])
        post_tags = PostTags.from_truth(Truth.parse(tags), pad=True)
        sizes[size] = post_tags.post.shape[0]
        assert post_tags.tag.shape == post_tags.is_positive.shape == (sizes[size],)
        assert post_tags.excluded_post.shape == post_tags.excluded_tag.shape == (sizes[size],)
        assert post_tags.excluded_by_post.shape[1] > size
    return sizes


def test_padding_is_small_and_of_few_sizes():
    around_powers = [2**power + offset for power in range(3, 13) for offset in (-1, 0, 1)]
    sizes = padded_sizes([0, 1, *range(2, 75, 3), *around_powers, *range(1024, 2048, 61)])
    for size, padded in sizes.items():
        assert max(size, 8) <= padded
        assert padded % 8 == 0
        assert padded - size <= max(7, size / 8) or size == 0
    assert sorted(set(sizes.values()))[:8] == [8, 16, 24, 32, 40, 48, 56, 64]
    # Eight for each doubling.
    assert len({padded for padded in sizes.values() if 1024 < padded <= 2048}) <= 8


def test_batches_of_like_size_share_shapes():
    rng = np.random.default_rng(0)
    shapes = set()
    for _ in range(20):
        tags = [rng.choice(1000, rng.integers(1, 9), replace=False) for _ in range(256)]
        shapes.add(tuple(tuple(v.shape) for v in as_post_tags(tags, pad=True)[:-1]))
    assert len(shapes) <= 3
