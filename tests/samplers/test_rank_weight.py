import numpy as np
import tensorflow as tf
from numpy_warp import harmonic

from tagkeras.losses.rank_weight import estimate_rank, rank_weight


def test_rank_weight_is_the_harmonic_number():
    ranks = [1, 2, 3, 10, 1000, 99_999]
    expected = [harmonic(rank) for rank in ranks]
    np.testing.assert_allclose(rank_weight(tf.constant(ranks)), expected, rtol=2e-6)
    np.testing.assert_allclose(rank_weight(tf.constant([1, 2, 4])), [1, 1.5, 25 / 12], rtol=2e-6)


def test_rank_is_floored_and_at_least_one():
    candidates = tf.constant([10, 10, 10, 10, 3])
    draws = tf.constant([1, 3, 10, 11, 1000])
    np.testing.assert_array_equal(estimate_rank(candidates, draws), [10, 3, 1, 1, 1])
