"""Draws are uniform on exactly the tags that are not excluded."""

import numpy as np
import pytest
import tensorflow as tf
from batches import as_post_tags
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

SIGNIFICANCE = 1e-4


@st.composite
def vocabularies(draw):
    """Y, and of some posts the own and the removed tags."""
    num_tags = draw(st.integers(1, 40))
    excluded = st.lists(st.integers(0, num_tags - 1), unique=True, max_size=num_tags)
    posts = draw(st.lists(excluded, min_size=1, max_size=5))
    cuts = [draw(st.integers(0, len(post))) for post in posts]
    return (
        num_tags,
        [post[:cut] for post, cut in zip(posts, cuts, strict=True)],
        [post[cut:] for post, cut in zip(posts, cuts, strict=True)],
    )


@settings(deadline=None, max_examples=40, derandomize=True)
@given(vocabularies(), st.booleans(), st.integers(0, 2**31 - 1))
def test_uniform_on_the_candidates(vocabulary, pad, seed):
    num_tags, tags, removed = vocabulary
    post_tags = as_post_tags(tags, removed, pad=pad)
    post = tf.range(len(tags))
    drawn = post_tags.draw_candidates(post, num_tags, 2000, tf.constant([seed, 1])).numpy()
    assert drawn.shape == (len(tags), 2000)
    assert drawn.min() >= 0
    assert drawn.max() < num_tags
    for row, own, gone in zip(drawn, tags, removed, strict=True):
        candidates = sorted(set(range(num_tags)) - {*own, *gone})
        if candidates:
            counts = np.bincount(row, minlength=num_tags)
            assert counts[candidates].sum() == 2000
            if len(candidates) > 1:  # 40 examples of up to 5 posts
                assert stats.chisquare(counts[candidates]).pvalue > SIGNIFICANCE / 200


def test_rows_may_repeat_and_draw_for_themselves():
    post_tags = as_post_tags([[0], [1, 2]])
    post = tf.constant([1, 0, 1, 1])
    drawn = post_tags.draw_candidates(post, 4, 500, tf.constant([0, 0])).numpy()
    assert [set(row) for row in drawn] == [{0, 3}, {1, 2, 3}, {0, 3}, {0, 3}]
    table = np.histogram2d(drawn[0], drawn[2], bins=[2, 2])[0]
    assert stats.chi2_contingency(table).pvalue > SIGNIFICANCE
    assert post_tags.draw_candidates(post[:0], 4, 9, [0, 0]).shape == (0, 9)


SPREAD = [0, 1, 2, 3, 2_000_000, 4_599_998, 4_599_999]
# Long runs at both ends, in a vocabulary that int32 holds barely.
ENDS = [*range(1, 2000), *range(2**31 - 2001, 2**31 - 2)]


@pytest.mark.parametrize(
    ("num_tags", "own", "compiled"),
    [(4_600_000, SPREAD, False), (4_600_000, SPREAD, True), (2**31 - 1, ENDS, False)],
    ids=["eager", "compiled", "ends"],
)
def test_large_vocabulary(num_tags, own, compiled):
    draw = as_post_tags([own, []]).draw_candidates
    if compiled:
        draw = tf.function(draw, jit_compile=True)
    drawn = draw(tf.constant([0, 1]), num_tags, 100_000, tf.constant([4, 5])).numpy()
    for row in drawn:
        assert 0 <= row.min() <= row.max() < num_tags
        assert stats.kstest(row / num_tags, "uniform").pvalue > SIGNIFICANCE
        assert stats.chisquare(np.bincount(row % 10)).pvalue > SIGNIFICANCE  # low digits too
    assert not np.isin(drawn[0], own).any()


def test_same_seed_same_draws():
    post_tags = as_post_tags([[0]])
    first, again, other = (
        post_tags.draw_candidates(tf.constant([0]), 1000, 50, [seed, 0]).numpy()
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
