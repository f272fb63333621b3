import keras
import numpy as np
import pytest
import tensorflow as tf

from tagkeras.optimizers.row_adagrad import RowAdagrad
from tagkeras.optimizers.row_sgd import RowSGD

Y, D = 6, 3


def make_table():
    return tf.Variable(np.random.default_rng(0).normal(size=(Y, D)).astype(np.float32))


def run(optimizer, steps, table):
    optimizer.build(table)
    for ids, gradients in steps:
        optimizer.apply(table, tf.constant(ids, tf.int64), tf.constant(gradients, tf.float32))
    return table.numpy()


def make_steps(count, rows):
    rng = np.random.default_rng(1)
    return [(rows, rng.normal(size=(len(rows), D))) for _ in range(count)]


@pytest.mark.parametrize(
    ("row_optimizer", "dense_optimizer"),
    [
        (RowSGD(0.1), keras.optimizers.SGD(0.1)),
        (RowSGD(0.1, momentum=0.9), keras.optimizers.SGD(0.1, momentum=0.9)),
        (
            RowAdagrad(0.1, initial_accumulator=0.01),
            keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.01),
        ),
    ],
    ids=["sgd", "momentum", "adagrad"],
)
def test_equals_the_dense_optimizer_where_every_row_is_touched(row_optimizer, dense_optimizer):
    steps = make_steps(5, rows=list(range(Y)))
    ours = run(row_optimizer, steps, make_table())
    theirs = keras.Variable(make_table().numpy())
    for _, gradients in steps:
        dense_optimizer.apply([tf.constant(gradients, tf.float32)], [theirs])
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [RowSGD, RowAdagrad, lambda rate: RowSGD(rate, momentum=0.5)])
def test_untouched_rows_keep_value_and_state(make):
    optimizer = make(0.1)
    before = make_table().numpy()
    after = run(optimizer, make_steps(3, rows=[1, 4]), make_table())
    np.testing.assert_array_equal(np.delete(after, [1, 4], 0), np.delete(before, [1, 4], 0))
    assert (after[[1, 4]] != before[[1, 4]]).all()
    for name in ("velocity", "accumulator"):
        if hasattr(optimizer, name):
            state = np.delete(getattr(optimizer, name).numpy(), [1, 4], 0)
            np.testing.assert_array_equal(state, np.full_like(state, state[0, 0]))


def test_momentum_by_hand():
    table = tf.Variable([[1.0]])
    steps = [([0], [[1.0]]), ([0], [[1.0]])]
    # v1 = -0.1, v2 = 0.9 v1 - 0.1 = -0.19
    np.testing.assert_allclose(run(RowSGD(0.1, momentum=0.9), steps, table), [[1 - 0.1 - 0.19]])


def test_adagrad_by_hand():
    table = tf.Variable([[1.0]])
    optimizer = RowAdagrad(0.1, initial_accumulator=0.0, epsilon=0.0)
    after = run(optimizer, [([0], [[2.0]]), ([0], [[1.0]])], table)
    np.testing.assert_allclose(after, [[1 - 0.1 * 2 / 4**0.5 - 0.1 * 1 / 5**0.5]], rtol=1e-6)


def test_max_norm_of_touched_rows_only():
    table = tf.Variable([[3.0, 4.0, 0.0], [3.0, 4.0, 0.0]])
    after = run(RowSGD(1.0, max_norm=1.0), [([1], [[0.0, 0.0, 0.0]])], table)
    np.testing.assert_allclose(after, [[3, 4, 0], [0.6, 0.8, 0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RowSGD(0.0), "learning_rate must be above 0, received 0"),
        (lambda: RowSGD(0.1, momentum=1.0), r"momentum must be in \[0, 1\), received 1.0"),
        (lambda: RowAdagrad(0.1, max_norm=-1.0), "max_norm must be above 0, received -1"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
