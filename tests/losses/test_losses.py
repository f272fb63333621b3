"""The losses and their gradients against NumPy in float64, one post at a time."""

import numpy as np
import numpy_losses
import pytest
import tensorflow as tf
from batches import as_post_tags
from numpy_losses import positives_of, slopes
from numpy_warp import harmonic
from scipy import stats

import tagkeras
from tagkeras.losses import (
    Bpr,
    SampledSoftmax,
    Softmax,
    Warp,
    estimate_rank,
    rank_weight,
    softmax,
)
from tagkeras.names import LOSSES
from tagkeras.samplers import Negatives, Sampler

pytestmark = pytest.mark.timeout(180, method="thread")  # for a search that never ends
Y, D, MARGIN = 12, 3, 0.1
# Several positives of a post; none; all tags excluded, some of them removed; removed tags only.
TAGS = [[3, 1, 7], [5], [], list(range(6)), [], [11, 0], [4]]
REMOVED = [[2], [], [], list(range(6, 12)), [4, 9], [], list(range(5, 12))]
POSITIVES = positives_of(TAGS)


class GivenNegatives(Sampler):
    """Finds for each positive the next tag that is not on its post, if it finds anything."""

    def __init__(self):
        super().__init__()
        self.tag, self.draws, self.found = [], [], []
        for number, (post, positive) in enumerate(POSITIVES):
            excluded = {*TAGS[post], *REMOVED[post]}
            others = [tag % Y for tag in range(positive, positive + Y) if tag % Y not in excluded]
            self.found.append(bool(others) and number % 5 != 4)
            self.tag.append(others[0] if self.found[-1] else 0)
            self.draws.append(1 + number if others else 0)

    def sample(self, phi, table, post_tags, thresholds, seed):
        padding = [[0, post_tags.post.shape[0] - len(POSITIVES)]]
        return Negatives(
            tf.pad(tf.constant(self.tag, tf.int64), padding),
            tf.pad(tf.constant(self.draws), padding),
            tf.pad(tf.constant(self.found), padding),
        )


def make_values(scale=1.0):
    rng = np.random.default_rng(0)
    phi = scale * rng.normal(size=(len(TAGS), D)).astype(np.float32)
    table = rng.normal(size=(Y, D)).astype(np.float32)
    return phi, table


def run(loss, phi, table, post_tags, seed=0, *, compiled=False):
    """The draw, the loss, its gradient by phi, and that by the whole table."""
    table = tf.Variable(table)

    def measure(phi, post_tags, seed):
        draw = loss.draw(phi, table, post_tags, seed)
        rows = draw.gather(table)
        with tf.GradientTape() as tape:
            tape.watch([phi, rows])
            total = loss.total(phi, rows, post_tags, draw)
        gradients = tape.gradient(total, [phi, rows])
        return draw, total, *(tf.convert_to_tensor(gradient) for gradient in gradients)

    measure = tf.function(measure, jit_compile=True) if compiled else measure
    draw, total, phi_gradient, row_gradient = measure(
        tf.constant(phi), post_tags, tf.constant([seed, 3])
    )
    row_gradient = row_gradient.numpy()
    if draw.tags is not None:
        whole, tags = np.zeros([len(table.numpy()), D]), draw.tags.numpy()
        # What only fills the shape up has no gradient.
        assert not row_gradient[tags >= len(whole)].any()
        np.add.at(whole, tags[tags < len(whole)], row_gradient[tags < len(whole)])
        row_gradient = whole
    return draw, total.numpy(), phi_gradient.numpy(), row_gradient


def negatives_of(draw, post_tags):
    """The negative of each positive that has a pair, None of the others, out of a draw of pairs."""
    positive, negative = np.split(draw.tags.numpy(), 2)
    if post_tags.is_padded:
        tags = [None if tag == Y else int(tag) for tag in negative]
        assert [tag for tag in positive if tag < Y] == [
            tag for (_, tag), other in zip(POSITIVES, tags, strict=False) if other is not None
        ]
        return tags[: len(POSITIVES)]
    pairs = iter(zip(draw.details.post.numpy(), positive, negative, strict=True))
    negatives = []
    for post, tag in POSITIVES:
        if len(TAGS[post]) + len(REMOVED[post]) == Y:
            negatives.append(None)
        else:
            pair = next(pairs)
            assert pair[:2] == (post, tag)
            negatives.append(int(pair[2]))
    assert next(pairs, None) is None
    return negatives


def oracle_of(name, loss, draw, post_tags):
    """The loss in NumPy, of phi and table, for what was drawn."""
    match name:
        case "warp":
            given = loss.sampler
            choice = (given.tag, given.draws, given.found, MARGIN)
            return lambda phi, table: numpy_losses.warp(phi, table, TAGS, REMOVED, *choice)
        case "bpr":
            negatives = negatives_of(draw, post_tags)
            return lambda phi, table: numpy_losses.bpr(phi, table, TAGS, REMOVED, negatives)
        case "softmax":
            return lambda phi, table: numpy_losses.softmax(phi, table, TAGS, REMOVED)
        case "sampled_softmax":
            pool = [int(tag) for tag in draw.tags.numpy()[-loss.num_negatives :]]
            return lambda phi, table: numpy_losses.sampled_softmax(phi, table, TAGS, REMOVED, pool)


MAKE = {
    "warp": lambda: Warp(MARGIN, GivenNegatives()),
    "bpr": Bpr,
    "softmax": Softmax,
    "sampled_softmax": lambda: SampledSoftmax(20),
}
SMALL = {
    **MAKE,
    "warp": lambda: Warp(sampler=tagkeras.samplers.Pooled(max_negatives=5)),
    "sampled_softmax": lambda: SampledSoftmax(5),
}
by_loss = pytest.mark.parametrize("name", LOSSES)


@pytest.mark.parametrize("mode", ["eager", "padded", "xla"])
@by_loss
def test_value_and_gradients(name, mode):
    loss, (phi, table) = MAKE[name](), make_values()
    post_tags = as_post_tags(TAGS, REMOVED, pad=mode != "eager")
    draw, total, *gradients = run(loss, phi, table, post_tags, compiled=mode == "xla")
    oracle = oracle_of(name, loss, draw, post_tags)
    phi, table = phi.astype(np.float64), table.astype(np.float64)
    assert abs(oracle(phi, table)) > 1
    np.testing.assert_allclose(total, oracle(phi, table), rtol=1e-5)
    for value, gradient in zip((phi, table), gradients, strict=True):
        expected = slopes(value, lambda: oracle(phi, table))
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-5)


def test_warp_without_the_rank_weight():
    """Each hinge counts once, and the draws for nothing."""
    loss, (phi, table) = Warp(MARGIN, GivenNegatives(), rank_weight="none"), make_values()
    given = loss.sampler
    _, total, *gradients = run(loss, phi, table, as_post_tags(TAGS, REMOVED))
    phi, table = phi.astype(np.float64), table.astype(np.float64)

    def oracle():
        choice = (given.tag, given.draws, given.found, MARGIN, False)
        return numpy_losses.warp(phi, table, TAGS, REMOVED, *choice)

    np.testing.assert_allclose(total, oracle(), rtol=1e-5)
    for value, gradient in zip((phi, table), gradients, strict=True):
        np.testing.assert_allclose(gradient, slopes(value, oracle), rtol=1e-3, atol=1e-5)


@by_loss
def test_measures_are_of_the_positives(name):
    loss, (phi, table) = MAKE[name](), make_values()
    draw, *_ = run(loss, phi, table, as_post_tags(TAGS, REMOVED, pad=True))
    np.testing.assert_array_equal(draw.measured, [1] * len(POSITIVES) + [0] * 3)
    assert set(draw.measures) == set(loss.measures)
    if name == "warp":
        given, count = loss.sampler, len(POSITIVES)
        np.testing.assert_array_equal(draw.measures["mean_draws"][:count], given.draws)
        np.testing.assert_array_equal(draw.measures["violator_share"][:count], given.found)


@pytest.mark.parametrize(
    ("num_tags", "tags", "removed"),
    [
        (1, [[0], []], [[], [0]]),
        (3, [[0, 1, 2], [1]], [[], [0, 2]]),
        (3, [[], []], [[], [0, 1, 2]]),
        (3, [], []),
    ],
    ids=["one tag", "all excluded", "no positive", "no post"],
)
@by_loss
def test_nothing_to_draw(name, num_tags, tags, removed):
    loss = SMALL[name]()
    phi, table = make_values()
    for pad in [False, True] if tags else [False]:  # fillers stand for the first post
        post_tags = as_post_tags(tags, removed, pad=pad)
        _, total, *gradients = run(loss, phi[: len(tags)], table[:num_tags], post_tags)
        assert np.isfinite(total)
        assert all(np.isfinite(gradient).all() for gradient in gradients)
        if name != "softmax" or tags == [[0], []]:
            np.testing.assert_allclose(total, 0, atol=1e-6)
            assert all(not np.abs(gradient).max(initial=0) for gradient in gradients)


@pytest.mark.parametrize("scale", [1e2, 1e4])
@by_loss
def test_large_scores_overflow_nothing(name, scale):
    loss, (phi, table) = MAKE[name](), make_values(scale)
    _, total, *gradients = run(loss, phi, table, as_post_tags(TAGS, REMOVED))
    assert np.isfinite(total)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("max_scores", [1, 2 * Y, 3 * Y, 100 * Y])
@pytest.mark.parametrize("mode", ["eager", "padded", "xla"])
def test_softmax_in_chunks(max_scores, mode, monkeypatch):
    """In chunks of 1, 2, 3 or all of the 7 posts, each with its own removed tags."""
    phi, table = make_values()
    _, *expected = run(Softmax(), phi, table, as_post_tags(TAGS, REMOVED))
    monkeypatch.setattr(softmax, "MAX_SCORES", max_scores)
    post_tags = as_post_tags(TAGS, REMOVED, pad=mode != "eager")
    _, *chunked = run(Softmax(), phi, table, post_tags, compiled=mode == "xla")
    for value, other in zip(chunked, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-5, atol=1e-6)


def test_softmax_by_hand():
    """Two tags with scores 0 and log 3, of a post that has both: -log 1/4 - log 3/4."""
    phi, table = np.float32([[1, 0, 0]]), np.float32([[0, 0, 0], [np.log(3), 0, 0]])
    _, total, *_ = run(Softmax(), phi, table, as_post_tags([[0, 1]]))
    np.testing.assert_allclose(total, np.log(4) + np.log(4 / 3), rtol=1e-6)


def test_warp_searches_above_the_positive_less_the_margin():
    """Tag 0 scores 1; tag 1, 0.95, violates by a margin of 0.1, and not by one of 0.01."""
    table = np.float32([[1, 0, 0], [0.95, 0, 0], [0, 0, 0]])
    for margin, violators in ((0.1, [1.0]), (0.01, [0.0])):
        draw, *_ = run(Warp(margin), np.float32([[1, 0, 0]]), table, as_post_tags([[0]]))
        np.testing.assert_array_equal(draw.measures["violator_share"], violators)


def test_sampled_softmax_by_hand():
    """S = 1 and Y = 2: the pool is the other tag, which counts double, or the own one."""
    phi, table = np.float32([[1, 0, 0]]), np.float32([[0, 0, 0], [np.log(3), 0, 0]])
    totals = {}
    for seed in range(20):
        draw, total, *_ = run(SampledSoftmax(1), phi, table, as_post_tags([[0]]), seed)
        totals[int(draw.tags[-1])] = total
    np.testing.assert_allclose([totals[0], totals[1]], [0, np.log(1 + 2 * 3)], rtol=1e-6)


def test_sampled_softmax_estimates_the_sum_without_bias():
    """The mean of e^loss - 1, which is the estimated sum over e^f(y+), over many pools."""
    phi, table = (value.astype(np.float32) for value in make_values())
    loss, post_tags = SampledSoftmax(4), as_post_tags([[3, 1]], [[2]])
    table_variable = tf.Variable(table)

    @tf.function
    def losses(seeds):
        def of_seed(seed):
            draw = loss.draw(tf.constant(phi[:1]), table_variable, post_tags, seed)
            rows = draw.gather(table_variable)
            only_first = post_tags._replace(is_positive=tf.constant([True, False]))
            return loss.total(tf.constant(phi[:1]), rows, only_first, draw)

        return tf.map_fn(of_seed, seeds, fn_output_signature=tf.float32)

    seeds = tf.stack([tf.range(4000), tf.ones([4000], tf.int32)], axis=1)
    sums = (np.exp(losses(seeds).numpy()) - 1) * np.exp(phi[0] @ table[3])
    expected = np.exp([phi[0] @ table[tag] for tag in range(Y) if tag not in (1, 2, 3)]).sum()
    assert stats.ttest_1samp(sums, expected).pvalue > 1e-4
    assert stats.sem(sums) < 0.02 * expected  # it would see Y - 1 in place of Y


def test_rank_weight_is_the_harmonic_number():
    ranks = [1, 2, 3, 10, 1000, 99_999]
    expected = [harmonic(rank) for rank in ranks]
    np.testing.assert_allclose(rank_weight(tf.constant(ranks)), expected, rtol=2e-6)
    np.testing.assert_allclose(rank_weight(tf.constant([1, 2, 4])), [1, 1.5, 25 / 12], rtol=2e-6)


def test_rank_is_floored_and_at_least_one():
    candidates = tf.constant([10, 10, 10, 10, 3])
    draws = tf.constant([1, 3, 10, 11, 1000])
    np.testing.assert_array_equal(estimate_rank(candidates, draws), [10, 3, 1, 1, 1])
