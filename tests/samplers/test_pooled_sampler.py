"""What is special about the pooled sampler; the law that all samplers share: test_samplers.py."""

import numpy as np
import pytest
import tensorflow as tf
from batches import as_post_tags
from numpy_warp import geometric_law
from scipy import stats

from tagkeras.samplers import Pooled
from tagkeras.samplers.pooled import BLOCK

pytestmark = pytest.mark.timeout(180, method="thread")  # as in test_samplers.py
MARGIN, SIGNIFICANCE = 0.1, 1e-4


def make_draw(sampler, scores, tags, *, pad=False):
    """A function of a seed: negatives of posts that all give the tags these scores."""
    phi = tf.ones([len(tags), 1])
    table = tf.Variable(np.asarray(scores, np.float32)[:, None])
    post_tags = as_post_tags(tags, pad=pad)
    thresholds = tf.gather(table[:, 0], post_tags.tag) - MARGIN
    draw = tf.function(lambda seed: sampler.sample(phi, table, post_tags, thresholds, seed))
    return lambda seed: [value.numpy() for value in draw(tf.constant([seed, 7]))]


def sample(sampler, scores, tags, *, pad=False):
    return make_draw(sampler, scores, tags, pad=pad)(0)


@pytest.mark.parametrize("pad", [False, True])
def test_law_of_each_post_of_groups_that_the_batch_does_not_fill(pad):
    """Groups of 5 in a batch of 7, over many batches: also the last post, of the short group."""
    sampler = Pooled(max_negatives=3, pool_group=5)
    draw = make_draw(sampler, [0.5, 0.9, 0.45, 0.8, *[-1.0] * 8], [[0, 1]] * 7, pad=pad)
    batches = [draw(seed) for seed in range(400)]
    law = geometric_law(2, 10, 3)
    for place in (0, 4, 6):
        tag, draws, found = (
            np.array([v[2 * place] for v in values]) for values in zip(*batches, strict=True)
        )
        observed = np.bincount(np.where(found, draws, 4), minlength=5)[1:]
        assert stats.chisquare(observed, law * 400).pvalue > SIGNIFICANCE
        chosen = np.bincount(tag[found], minlength=4)
        assert not chosen[:2].any()
        assert stats.chisquare(chosen[2:4]).pvalue > SIGNIFICANCE


@pytest.mark.parametrize("pool_group", [1, 2, 7, 1000])
@pytest.mark.parametrize("pad", [False, True])
def test_every_post_has_the_pool_of_its_group(pool_group, pad):
    """Tags of one pool score by the post's own phi, and own tags are those of the right post."""
    rng = np.random.default_rng(0)
    tags = [[post, post + 10] for post in range(7)]
    phi, rows = rng.normal(size=(7, 3)), rng.normal(size=(30, 3))
    table = tf.Variable(rows.astype(np.float32))
    sampler = Pooled(max_negatives=40, pool_group=pool_group)
    post_tags = as_post_tags(tags, pad=pad)
    scores = phi @ rows.T
    thresholds = tf.constant(scores[post_tags.post, post_tags.tag] - MARGIN, tf.float32)
    for seed in range(2):
        negatives = sampler.sample(
            tf.constant(phi, tf.float32), table, post_tags, thresholds, [seed, 1]
        )
        for place, (post, positive) in enumerate((p, tag) for p in range(7) for tag in tags[p]):
            negative = int(negatives.tag[place])
            if negatives.found[place]:
                assert negative not in tags[post]
                assert scores[post, negative] > scores[post, positive] - MARGIN
            else:
                assert scores[post, positive] >= np.sort(scores[post])[-6]


@pytest.mark.parametrize("pad", [False, True])
def test_one_candidate_among_many_tags_goes_through_several_pools(pad):
    # 59 of 60 tags are the post's own: a walk of 50 counted draws reads some 3,000 of the pool.
    own = list(range(59))
    sampler = Pooled(max_negatives=50)
    tag, draws, found = sample(sampler, [1.0] * 59 + [0.0], [own, own], pad=pad)
    assert not found[:118].any()
    np.testing.assert_array_equal(draws[:118], [50] * 118)
    tag, draws, found = sample(sampler, [1.0] * 60, [own, own], pad=pad)
    assert found[:118].all()
    np.testing.assert_array_equal(tag[:118], 59)
    np.testing.assert_array_equal(draws[:118], 1)


def test_positives_of_one_pool_walk_it_from_many_offsets():
    sampler = Pooled(max_negatives=1000)
    scores = np.random.default_rng(0).normal(size=5000)
    positive = int(np.argsort(scores)[2500])
    tag, _, _ = sample(sampler, scores, [[positive]] * 400)
    # A violator stands in every block: as many are met as there are offsets.
    assert 0.9 * sampler.num_blocks(5000) < len(set(tag)) <= sampler.num_blocks(5000)


@pytest.mark.parametrize("num_tags", [1, 2, 100, 4_600_000])
@pytest.mark.parametrize("cap", [1, 31, 1000])
def test_pool_has_room_for_the_draws_and_no_more_than_twice_that(cap, num_tags):
    size = Pooled(max_negatives=cap).num_blocks(num_tags) * BLOCK
    assert cap <= size < 2 * cap + BLOCK


def test_scores_that_overflow_are_no_own_tags():
    _, draws, found = sample(Pooled(max_negatives=3), [0.0, *[-np.inf] * 9], [[0]] * 3)
    assert not found.any()
    np.testing.assert_array_equal(draws, [3] * 3)
