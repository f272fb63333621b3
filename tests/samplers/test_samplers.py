"""All samplers follow the law of drawing one negative after the other, positive by positive.

Seeds are fixed; a test of a law fails where chance would do so once in 10,000 times.
"""

import functools

import numpy as np
import pytest
import tensorflow as tf
from batches import as_post_tags, as_ragged
from numpy_warp import geometric_law, violators_of
from scipy import stats

from tagkeras.data.post_tags import PostTags, Truth
from tagkeras.samplers import Exhaustive, Pooled, Sequential, sequential

# A search that never ends inside a graph yields to no signal: a thread ends the process.
pytestmark = pytest.mark.timeout(180, method="thread")
MARGIN, SIGNIFICANCE = 0.1, 1e-4
Y = 60
MAKE = {
    "pooled": functools.partial(Pooled, pool_group=1),
    "pooled by 3": functools.partial(Pooled, pool_group=3),
    "sequential": Sequential,
    "exhaustive": Exhaustive,
    "exhaustive in tiles": functools.partial(Exhaustive, tile=32),
}
# Posts that share a pool have correlated draws: a law is tested on the first of each.
SHARING = {"pooled by 3": 3}
# The sequential sampler refuses padded posts, which are for XLA.
PADDED = [name for name in MAKE if name != "sequential"]
# How `sample` is called: a graph does not know the batch's shape, XLA compiles for each.
by_sampler_and_mode = pytest.mark.parametrize(
    ("name", "mode"),
    [*((name, "eager") for name in MAKE), *((name, "padded") for name in PADDED)],
)
by_sampler_and_compiled_mode = pytest.mark.parametrize(
    ("name", "mode"),
    [*((name, "graph") for name in MAKE), ("pooled by 3", "xla"), ("exhaustive in tiles", "xla")],
)

# Scores fall from 1 to 0: a tag that is on the post is violated by all before it and five after it.
FALLING = np.linspace(1, 0, Y)
POSTS = [  # tags, removed
    ([0], []),
    ([0], [1, 2, 3, 4]),  # one violator among 55
    ([59], []),  # all violate
    ([0, 1, 2, 3, 4, 5], []),  # none violates the first
    (list(range(Y)), []),  # nothing to draw
    ([], [7]),
    ([30, 0], [10, 20]),
]


def thresholds_of(phi, table, post_tags, margin=MARGIN):
    """f(y+) - margin, float [P]."""
    scores = tf.reduce_sum(tf.gather(phi, post_tags.post) * tf.gather(table, post_tags.tag), 1)
    return scores - margin


@functools.cache
def make_draw(name, mode, cap, num_tags=Y):
    """A function of scores, tags, removed tags and a seed: phi is 1-d and 1, so is the table."""
    sampler = MAKE[name](max_negatives=cap)
    table = tf.Variable(tf.zeros([num_tags, 1]))
    ragged = tf.RaggedTensorSpec([None, None], tf.int64, ragged_rank=1)

    def sample(phi, post_tags, seed):
        return sampler.sample(phi, table, post_tags, thresholds_of(phi, table, post_tags), seed)

    if mode == "xla":
        sample = tf.function(sample, jit_compile=True)

    def sample_batch(tags, removed, seed):
        truth = Truth.parse({"tags": tags, "tags_removed": removed})
        post_tags = PostTags.from_truth(truth, pad=mode in ("padded", "xla"))
        negatives = sample(tf.ones([tags.nrows(), 1]), post_tags, seed)
        return negatives, post_tags.is_positive

    if mode in ("graph", "xla"):
        signature = [ragged, ragged, tf.TensorSpec([2], tf.int32)]
        sample_batch = tf.function(sample_batch, input_signature=signature)

    def draw(scores, posts, seed=0):
        table.assign(np.asarray(scores, np.float32)[:, None])
        tags, removed = (as_ragged(lists) for lists in zip(*posts, strict=True))
        negatives, is_positive = sample_batch(tags, removed, tf.constant([seed, 7]))
        tag, draws, found = (value.numpy() for value in negatives)
        is_positive = is_positive.numpy()
        # What fills shapes up draws nothing.
        for values in (tag, draws, found):
            assert not values[~is_positive].any()
        return tag[is_positive], draws[is_positive], found[is_positive]

    return draw


def assert_law(tag, draws, found, violators, candidates, cap):
    """Draws and tags of one positive, many times, jointly: P(N = n) and 1 / violators each."""
    assert (draws[~found] == cap).all()
    assert (draws >= 1).all()
    assert (draws <= cap).all()
    assert set(tag[found]) <= violators
    assert not tag[~found].any()
    law = geometric_law(len(violators), candidates, cap)
    # Numbers of draws that are about as probable together, each with each violator, and none.
    num_bins = min(6, max(1, len(tag) // (10 * max(len(violators), 1))))
    bins = np.minimum((np.cumsum(law[:-1]) - law[:-1] / 2) * num_bins, num_bins - 1).astype(int)
    of_bin = np.bincount(bins, weights=law[:-1], minlength=num_bins)
    ranks = sorted(violators)
    expected = np.append(np.repeat(of_bin / max(len(ranks), 1), len(ranks)), law[-1]) * len(tag)
    cell = bins[draws - 1] * len(ranks) + np.searchsorted(ranks, tag)
    observed = np.bincount(np.where(found, cell, len(expected) - 1), minlength=len(expected))
    rare = expected < 3
    assert observed[expected < 1e-9].sum() == 0
    expected = np.append(expected[~rare], expected[rare].sum())
    observed = np.append(observed[~rare], observed[rare].sum())
    if expected[-1] < 3:
        assert observed[-1] < 20
        expected, observed = expected[:-1], observed[:-1]
    if len(expected) > 1:
        expected *= observed.sum() / expected.sum()
        assert stats.chisquare(observed, expected).pvalue > SIGNIFICANCE


def check_law(name, mode, cap, repeats):
    sharing = SHARING.get(name, 1)
    posts = POSTS * repeats
    draw = make_draw(name, mode, cap)
    batches = [draw(FALLING, posts, seed) for seed in range(2 * sharing)]
    starts = np.cumsum([0, *(len(tags) for tags, _ in posts)])[:-1]
    for kind, (tags, removed) in enumerate(POSTS):
        rows = np.arange(kind, len(posts), len(POSTS))
        rows = rows[rows % sharing == 0]
        for number, positive in enumerate(tags):
            tag, draws, found = (
                np.concatenate([values[starts[rows] + number] for values in batch])
                for batch in zip(*batches, strict=True)
            )
            if len(tags) == Y:
                assert not found.any()
                assert not draws.any()
                continue
            excluded = {*tags, *removed}
            violators = violators_of(FALLING, positive, excluded, MARGIN)
            assert_law(tag, draws, found, violators, Y - len(excluded), cap)


@by_sampler_and_mode
def test_draws_and_negatives_follow_the_exact_law(name, mode):
    check_law(name, mode, cap=3, repeats=500)


@by_sampler_and_compiled_mode
def test_law_of_compiled_samplers(name, mode):
    """And what they do with the same posts if no number is a number, or all are the same."""
    repeats, cap = 200, 100
    check_law(name, mode, cap, repeats)
    draw, has_candidates = make_draw(name, mode, cap), []
    for tags, _ in POSTS:
        has_candidates += [len(tags) < Y] * len(tags)
    has_candidates = np.array(has_candidates * repeats)
    tag, draws, found = draw(np.full(Y, np.nan), POSTS * repeats)
    assert not found.any()
    assert not tag.any()
    np.testing.assert_array_equal(draws, np.where(has_candidates, cap, 0))
    tag, draws, found = draw(np.zeros(Y), POSTS * repeats)
    np.testing.assert_array_equal(found, has_candidates)
    np.testing.assert_array_equal(draws, has_candidates)


@pytest.mark.parametrize("name", ["sequential", "exhaustive", "exhaustive in tiles"])
def test_positives_draw_independently(name):
    """Also those of one post, and of neighbours: N of one says nothing about N of the other."""
    tag, draws, _ = make_draw(name, "graph", 100)(FALLING, [([20, 21], [])] * 5000)
    first, second = draws.reshape(-1, 2).T
    for one, other in [(first, second), (second[:-1], first[1:]), (first[:-1], first[1:])]:
        table = np.histogram2d(np.minimum(one, 4), np.minimum(other, 4), bins=[4, 4])[0]
        assert stats.chi2_contingency(table).pvalue > SIGNIFICANCE
    first, second = tag.reshape(-1, 2).T
    table = np.histogram2d(first, second, bins=[5, 5])[0]
    assert stats.chi2_contingency(table).pvalue > SIGNIFICANCE


@by_sampler_and_mode
def test_each_positive_has_its_own_threshold_and_post(name, mode):
    tags = [[0], [30], [59, 58], [10, 20, 40]]
    tag, draws, found = make_draw(name, mode, 100)(FALLING, [(tags, []) for tags in tags])
    assert draws.max() <= 100
    places = [(positive, set(tags)) for tags in tags for positive in tags]
    assert found[1:].all()  # 0 has 5 violators among 59
    for (positive, own), negative, is_found in zip(places, tag, found, strict=True):
        if is_found:
            assert negative in violators_of(FALLING, positive, own, MARGIN)


@by_sampler_and_mode
def test_the_cap_is_met_exactly(name, mode):
    """One draw at most: found at N = 1, or not at all."""
    tag, draws, found = make_draw(name, mode, 1, 3)([0.0, 0.0, -1.0], [([0], [])] * 2000)
    np.testing.assert_array_equal(draws, 1)
    np.testing.assert_array_equal(tag, np.where(found, 1, 0))
    sharing = SHARING.get(name, 1)
    found = found[::sharing]
    assert stats.binomtest(int(found.sum()), len(found), 0.5).pvalue > SIGNIFICANCE


@by_sampler_and_mode
def test_vocabulary_of_two_tags(name, mode):
    posts = [([0], []), ([1], []), ([0, 1], []), ([0], [1]), ([], [])]
    tag, draws, found = make_draw(name, mode, 100, 2)([0.0, 0.0], posts)
    np.testing.assert_array_equal(found, [True, True, False, False, False])
    np.testing.assert_array_equal(tag, [1, 0, 0, 0, 0])
    np.testing.assert_array_equal(draws, [1, 1, 0, 0, 0])


@by_sampler_and_mode
@pytest.mark.parametrize("posts", [[([], []), ([], [3])], [([], [])] * 3], ids=["removed", "bare"])
def test_batch_without_positives(name, mode, posts):
    tag, draws, found = make_draw(name, mode, 100)(FALLING, posts)
    assert len(tag) == len(draws) == len(found) == 0


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("name", ["pooled by 3", "sequential", "exhaustive"])
def test_batch_without_posts(name, mode):
    sampler, table = MAKE[name](), tf.Variable(tf.zeros([Y, 1]))
    sample = tf.function(sampler.sample) if mode == "graph" else sampler.sample
    post_tags = as_post_tags([])
    negatives = sample(tf.zeros([0, 1]), table, post_tags, tf.zeros([0]), tf.constant([0, 0]))
    assert [value.shape[0] for value in negatives] == [0, 0, 0]


@by_sampler_and_mode
def test_same_seed_same_negatives_and_positives_differ(name, mode):
    draw, posts = make_draw(name, mode, 100), [([30], [])] * 50
    first, again, other = (draw(FALLING, posts, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    assert (first[0] != other[0]).any()
    assert len(set(first[0])) > 5


@pytest.mark.parametrize("num_tags", [31, 64, 65, 100])
@pytest.mark.parametrize("tile", [32, 64, 96, 128])
def test_tiles_of_any_size_find_the_same_violators(tile, num_tags):
    """Tiles below the vocabulary, dividing it or not, equal to it and above it."""
    scores = np.linspace(1, 0, num_tags)
    excluded, margin = [0, 5, num_tags - 1], 0.605
    table = tf.Variable(scores[:, None].astype(np.float32))
    phi, post_tags = tf.ones([3000, 1]), as_post_tags([excluded] * 3000)
    thresholds = thresholds_of(phi, table, post_tags, margin)
    sampler = Exhaustive(max_negatives=50, tile=tile)
    negatives = sampler.sample(phi, table, post_tags, thresholds, tf.constant([1, 2]))
    for number, positive in enumerate(excluded):
        tag, draws, found = (value.numpy()[number::3] for value in negatives)
        violators = violators_of(scores, positive, set(excluded), margin)
        assert_law(tag, draws, found, violators, num_tags - 3, 50)


@pytest.mark.parametrize("rows", [1, 1000])
def test_sequential_draws_in_many_blocks_that_memory_bounds(rows, monkeypatch):
    """The law holds however few rows are scored at once."""
    monkeypatch.setattr(sequential, "MAX_ROWS", rows)
    sampler = Sequential(max_negatives=60)
    table = tf.Variable(FALLING[:, None].astype(np.float32))
    post_tags = as_post_tags([[0]] * 1500, [[1, 2, 3, 4]] * 1500)  # one violator among 55
    phi = tf.ones([1500, 1])
    thresholds = thresholds_of(phi, table, post_tags)
    negatives = sampler.sample(phi, table, post_tags, thresholds, tf.constant([3, 4]))
    assert_law(*(value.numpy() for value in negatives), {5}, 55, 60)


@by_sampler_and_mode
def test_a_long_search_draws_afresh(name, mode, monkeypatch):
    """In the next pool or block: of two candidates, 20 draws miss one once in a million times."""
    monkeypatch.setattr(sequential, "MAX_ROWS", 1)
    own = list(range(2, Y))
    draw, scores = make_draw(name, mode, 20), [1.0, 0.0, *[0.5] * (Y - 2)]
    batches = [draw(scores, [(own, [])], seed) for seed in range(3)]
    assert all(found.all() for _, _, found in batches)
    assert all(not tag.any() for tag, _, _ in batches)
    assert max(draws.max() for _, draws, _ in batches) > 1


def test_sequential_refuses_padded_posts():
    post_tags = as_post_tags([[1]], pad=True)
    with pytest.raises(ValueError, match="sequential sampler cannot be compiled: choose pooled"):
        Sequential().sample(
            tf.ones([1, 1]), tf.Variable([[1.0]] * 3), post_tags, tf.zeros([8]), [0, 0]
        )
