"""The pooled sampler has the law of the sequential definition, positive by positive."""

import numpy as np
import pytest
import tensorflow as tf
from numpy_warp import draw_sequentially
from scipy import stats

from tagkeras.warp.pooled_sampler import PooledSampler
from tagkeras.data.post_tags import PostTags

MARGIN = 0.1


def as_post_tags(tags, removed=None):
    removed = removed or [[] for _ in tags]
    return PostTags.from_ragged(
        tf.ragged.constant(tags, dtype=tf.int64, ragged_rank=1),
        tf.ragged.constant(removed, dtype=tf.int64, ragged_rank=1),
    )


def make_draw(sampler, scores, tags, removed=None):
    """A function of a seed: negatives of posts that all give the tags these scores.

    phi is 1-d, and so is the table.
    """
    phi = tf.ones([len(tags), 1])
    table = tf.Variable(np.asarray(scores, np.float32)[:, None])
    post_tags = as_post_tags(tags, removed)
    draw = tf.function(lambda seed: sampler.sample(phi, table, post_tags, seed))
    return lambda seed: draw(tf.constant([seed, 7]))


def sample(sampler, scores, tags, removed=None, seed=0):
    return make_draw(sampler, scores, tags, removed)(seed)


def geometric_law(violators, candidates, cap):
    """P(N = 1), ..., P(N = cap) and P(no violator in cap draws)."""
    p = violators / candidates
    draws = np.arange(1, cap + 1)
    return np.append((1 - p) ** (draws - 1) * p, (1 - p) ** cap)


@pytest.mark.parametrize("pool_group", [1, 4])
@pytest.mark.parametrize("cap", [3, 40, 200])
@pytest.mark.parametrize("num_tags", [12, 300])
def test_draws_and_negatives_follow_the_exact_law(pool_group, cap, num_tags):
    # Tag 0 is the positive, 1 an own tag and 2 a removed one that would violate, 3-6 violate.
    scores = np.full(num_tags, -1.0)
    scores[:7] = [0.5, 0.9, 0.9, 0.8, 0.5, 0.45, 0.41]
    sampler = PooledSampler(max_negatives=cap, margin=MARGIN, pool_group=pool_group)
    posts = 500 if pool_group == 1 else 8
    # Positives that share a pool are correlated, so that only the first one of each pool is kept.
    keep = slice(0, 2 * posts, 2 * pool_group)
    draw = make_draw(sampler, scores, [[0, 1]] * posts, [[2]] * posts)
    found, draws, tags = [], [], []
    for seed in range(4 if pool_group == 1 else 1000):
        negatives = draw(seed)
        found.append(negatives.found.numpy()[keep])
        draws.append(negatives.draws.numpy()[keep])
        tags.append(negatives.tag.numpy()[keep])
    found, draws, tags = map(np.concatenate, (found, draws, tags))

    law = geometric_law(violators=4, candidates=num_tags - 3, cap=cap)
    outcome = np.where(found, draws, cap + 1)
    assert (draws[~found] == cap).all()
    assert (draws >= 1).all()
    # Merge outcomes into bins of equal probability, so that chi-square holds.
    bins = np.minimum((np.cumsum(law) - law / 2) * 8, 7).astype(int)
    expected = np.bincount(bins, weights=law, minlength=8) * len(outcome)
    observed = np.bincount(bins[outcome - 1], minlength=8)
    full = expected > 0
    assert not observed[~full].any()
    assert stats.chisquare(observed[full], expected[full]).pvalue > 1e-3

    chosen = tags[found]
    assert set(chosen) <= {3, 4, 5, 6}
    counts = np.bincount(chosen, minlength=7)[3:7]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_same_law_as_sequential_draws():
    rng = np.random.default_rng(5)
    num_tags, cap = 50, 30
    scores = rng.normal(size=num_tags)
    positive = int(np.argsort(-scores)[4])
    excluded = {positive, int(np.argsort(-scores)[0])}
    sequential = [
        draw_sequentially(scores, positive, excluded, cap, MARGIN, rng) for _ in range(3000)
    ]
    post = [positive, *(excluded - {positive})]
    negatives = sample(PooledSampler(max_negatives=cap, pool_group=1), scores, [post] * 3000)
    draws = negatives.draws.numpy()[::2]
    tags = np.where(negatives.found, negatives.tag, -1)[::2]
    assert stats.ks_2samp(draws, [draws for _, draws in sequential]).pvalue > 1e-3
    expected = [-1 if tag is None else tag for tag, _ in sequential]
    table = np.array([np.bincount(np.add(t, 1), minlength=num_tags + 1) for t in (tags, expected)])
    table = table[:, table.sum(axis=0) >= 10]
    assert table.shape[1] >= 4
    assert stats.chi2_contingency(table).pvalue > 1e-3


def test_each_positive_has_its_own_threshold_and_post():
    scores = np.linspace(1, 0, 100)  # tag 0 is best, 99 worst
    tags = [[0], [50], [99, 98], [10, 20, 30]]
    negatives = sample(PooledSampler(max_negatives=5000, pool_group=2), scores, tags)
    assert negatives.found.numpy().all()
    positives = [0, 50, 99, 98, 10, 20, 30]
    for positive, negative in zip(positives, negatives.tag.numpy(), strict=True):
        assert scores[negative] > scores[positive] - MARGIN
    assert not {98, 99} & set(negatives.tag.numpy()[2:4])
    assert not {10, 20, 30} & set(negatives.tag.numpy()[4:])


def test_no_violator_takes_all_draws():
    scores = np.zeros(2000)
    scores[7] = 1.0
    negatives = sample(PooledSampler(max_negatives=77), scores, [[7]] * 5)
    assert not negatives.found.numpy().any()
    np.testing.assert_array_equal(negatives.draws, [77] * 5)
    np.testing.assert_array_equal(negatives.tag, [0] * 5)


@pytest.mark.parametrize("cap", [1, 1000])
def test_vocabulary_of_one_tag_has_no_negative(cap):
    negatives = sample(PooledSampler(max_negatives=cap), [0.0], [[0], []])
    np.testing.assert_array_equal(negatives.found, [False])
    np.testing.assert_array_equal(negatives.draws, [0])


@pytest.mark.parametrize("cap", [1, 1000])
def test_vocabulary_of_two_tags(cap):
    sampler = PooledSampler(max_negatives=cap)
    negatives = sample(sampler, [0.0, 0.0], [[0], [1], [0, 1], [0, 1], []])
    np.testing.assert_array_equal(negatives.found, [True, True, False, False, False, False])
    np.testing.assert_array_equal(negatives.tag, [1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(negatives.draws, [1, 1, 0, 0, 0, 0])


def test_one_candidate_among_many_tags_goes_through_several_pools():
    # 59 of 60 tags are the post's own: a walk of 50 counted draws reads some 3,000 of the pool.
    own = list(range(59))
    negatives = sample(PooledSampler(max_negatives=50), [1.0] * 59 + [0.0], [own, own])
    assert not negatives.found.numpy().any()
    np.testing.assert_array_equal(negatives.draws, [50] * 118)


def test_same_seed_same_negatives_and_positives_differ():
    scores = np.random.default_rng(0).normal(size=500)
    sampler = PooledSampler()
    first, again, other = (sample(sampler, scores, [[1]] * 50, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.tag, again.tag)
    assert (first.tag.numpy() != other.tag.numpy()).any()
    assert len(set(first.tag.numpy())) > 5  # one pool, many offsets


def test_empty_batch_of_positives():
    negatives = sample(PooledSampler(), np.zeros(10), [[], []])
    assert negatives.tag.shape == (0,)


@pytest.mark.parametrize(
    "arguments", [{"max_negatives": 0}, {"margin": -0.1}, {"pool_group": 0}], ids=str
)
def test_bad_arguments_are_named(arguments):
    with pytest.raises(ValueError, match=rf"{next(iter(arguments))} must be at least"):
        PooledSampler(**arguments)


def test_scores_that_are_no_numbers_violate_nothing_and_end():
    negatives = sample(PooledSampler(max_negatives=40), [float("nan")] * 50, [[1], [2, 3]])
    np.testing.assert_array_equal(negatives.found, [False] * 3)
    np.testing.assert_array_equal(negatives.draws, [40] * 3)
