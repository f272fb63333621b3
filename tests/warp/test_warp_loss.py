import numpy as np
import tensorflow as tf
from numpy_warp import warp_loss as warp_loss_in_numpy

from tagkeras.warp.warp_loss import warp_loss


def test_hand_computed():
    # rank = floor(9 / 2) = 4, L = 1 + 1/2 + 1/3 + 1/4, hinge = 0.1 - 0.5 + 0.7.
    loss = warp_loss(
        tf.constant([0.5]), tf.constant([0.7]), tf.constant([2]), tf.constant([9]), margin=0.1
    )
    np.testing.assert_allclose(loss, [(1 + 1 / 2 + 1 / 3 + 1 / 4) * 0.3], rtol=1e-6)


def test_against_numpy():
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(size=(2, 200)).astype(np.float32)
    draws = rng.integers(1, 1001, size=200)
    candidates = rng.integers(1, 100_000, size=200)
    expected = [
        warp_loss_in_numpy(*row, margin=0.1)
        for row in zip(positive, negative, draws, candidates, strict=True)
    ]
    loss = warp_loss(*map(tf.constant, (positive, negative, draws, candidates)), margin=0.1)
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-6)


def test_gradient_is_the_rank_weight_where_the_hinge_is_open():
    positive, negative = tf.constant([0.5, 0.9]), tf.constant([0.7, 0.2])
    with tf.GradientTape() as tape:
        tape.watch([positive, negative])
        loss = warp_loss(positive, negative, tf.constant([2, 2]), tf.constant([4, 4]), margin=0.1)
    gradients = tape.gradient(loss, [positive, negative])
    np.testing.assert_allclose(gradients[0], [-1.5, 0], rtol=1e-6)
    np.testing.assert_allclose(gradients[1], [1.5, 0], rtol=1e-6)
