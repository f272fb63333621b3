import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tagkeras
from tagkeras.optimizers import RowAdagrad, RowSGD, sum_duplicates

Y, D = 6, 3
MAKE = {
    "sgd": (RowSGD, keras.optimizers.SGD),
    "momentum": (
        functools.partial(RowSGD, momentum=0.9),
        functools.partial(keras.optimizers.SGD, momentum=0.9),
    ),
    "adagrad": (
        functools.partial(RowAdagrad, initial_accumulator_value=0.01),
        functools.partial(keras.optimizers.Adagrad, initial_accumulator_value=0.01),
    ),
}
by_name = pytest.mark.parametrize("name", MAKE)


def make_table(rows=Y):
    return tf.Variable(np.random.default_rng(0).normal(size=(rows, D)).astype(np.float32))


def run(optimizer, steps, table, *, max_norm=None, compiled=False):
    optimizer.build(table)

    def apply(ids, gradients):
        optimizer.apply(table, ids, gradients, max_norm=max_norm)

    apply = tf.function(apply, jit_compile=True) if compiled else apply
    for ids, gradients in steps:
        ids = None if ids is None else tf.constant(ids, tf.int64)
        apply(ids, tf.constant(gradients, tf.float32))
    return table.numpy()


def run_dense(optimizer, steps):
    """The Keras optimizer on the gradient of the whole table."""
    table = keras.Variable(make_table().numpy())
    for ids, gradients in steps:
        dense = np.zeros([Y, D])
        np.add.at(dense, ids, gradients)
        optimizer.apply([tf.constant(dense, tf.float32)], [table])
    return table.numpy()


def make_steps(count, rows):
    rng = np.random.default_rng(1)
    return [(rows, rng.normal(size=(len(rows), D))) for _ in range(count)]


def states_of(optimizer):
    return [variable.numpy() for variable in optimizer.state.values()]


@pytest.mark.parametrize("compiled", [False, True])
@by_name
def test_equals_the_dense_optimizer_where_every_row_is_touched(name, compiled):
    """Rows in any order, some twice or three times."""
    rows = [5, 0, 3, 3, 1, 2, 4, 0, 3]
    steps = make_steps(5, rows)
    make, make_dense = MAKE[name]
    ours = run(make(0.1), steps, make_table(), compiled=compiled)
    np.testing.assert_allclose(ours, run_dense(make_dense(0.1), steps), rtol=1e-5, atol=1e-6)


@by_name
def test_lazy_rows_are_as_if_they_alone_were_the_table(name):
    """The row of the smallest id, which fillers repeat, makes one step as well."""
    rng = np.random.default_rng(2)
    ids = [[4, 1, 1, 4, 1, 1, 1], [1, 1, 1], [3, 4], [1], [4, 4, 4, 4]]
    steps = [(rows, rng.normal(size=(len(rows), D))) for rows in ids]
    make, make_dense = MAKE[name]
    ours = run(make(0.1), steps, make_table())
    for row in range(Y):
        one = keras.Variable(make_table().numpy()[row])
        dense = make_dense(0.1)
        for rows, gradients in steps:
            if row in rows:
                total = gradients[np.array(rows) == row].sum(axis=0)
                dense.apply([tf.constant(total, tf.float32)], [one])
        np.testing.assert_allclose(ours[row], one.numpy(), rtol=1e-5, atol=1e-6)


@by_name
def test_untouched_rows_keep_value_and_state(name):
    optimizer = MAKE[name][0](0.1)
    before = make_table().numpy()
    after = run(optimizer, make_steps(3, rows=[1, 4, 1]), make_table())
    np.testing.assert_array_equal(np.delete(after, [1, 4], 0), np.delete(before, [1, 4], 0))
    assert (after[[1, 4]] != before[[1, 4]]).all()
    for state in states_of(optimizer):
        rest = np.delete(state, [1, 4], 0)
        np.testing.assert_array_equal(rest, np.full_like(rest, rest[0, 0]))
        assert (state[[1, 4]] != rest[0, 0]).all()


@by_name
def test_all_rows_are_the_rows_of_all_ids(name):
    steps = make_steps(3, rows=list(range(Y)))
    named, whole = MAKE[name][0](0.1), MAKE[name][0](0.1)
    expected = run(named, steps, make_table(), max_norm=1.0)
    steps = [(None, gradients) for _, gradients in steps]
    after = run(whole, steps, make_table(), max_norm=1.0)
    np.testing.assert_array_equal(after, expected)
    for state, other in zip(states_of(whole), states_of(named), strict=True):
        np.testing.assert_array_equal(state, other)


@by_name
def test_ids_of_no_row_are_dropped_by_xla(name):
    """Also if there are no others; neither the last row nor its state moves."""
    rng = np.random.default_rng(3)
    ids = [[2, 1, 2, 0], [1, 1, 4, 1], [2, 2, 2, 2]]
    gradients = [rng.normal(size=(4, D)) for _ in ids]
    plain, padded = MAKE[name][0](0.1), MAKE[name][0](0.1)
    expected = run(plain, zip(ids, gradients, strict=True), make_table(), max_norm=1.0)
    filled = [
        ([Y, *rows[:2], Y + 1, *rows[2:], Y], np.insert(values, [0, 2, 4], 7.0, axis=0))
        for rows, values in zip(ids, gradients, strict=True)
    ]
    filled.insert(1, ([Y] * 7, np.full([7, D], 7.0)))
    after = run(padded, filled, make_table(), max_norm=1.0, compiled=True)
    np.testing.assert_allclose(after, expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(after[[3, 5]], make_table().numpy()[[3, 5]])
    for state, other in zip(states_of(padded), states_of(plain), strict=True):
        np.testing.assert_allclose(state, other, rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(state[[3, 5]], other[[3, 5]])


@pytest.mark.parametrize(
    ("name", "compiled"), [*((name, False) for name in MAKE), ("momentum", True)]
)
def test_runs_repeat_to_the_last_bit(name, compiled):
    rng = np.random.default_rng(4)
    steps = [(rng.integers(0, 200, 3000), rng.normal(size=(3000, D))) for _ in range(3)]
    first, again = (
        run(MAKE[name][0](0.1), steps, make_table(200), max_norm=1.0, compiled=compiled)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("compiled", [False, True])
@by_name
def test_no_ids(name, compiled):
    optimizer = MAKE[name][0](0.1)
    steps = [([], np.zeros([0, D]))]
    after = run(optimizer, steps, make_table(), max_norm=1.0, compiled=compiled)
    np.testing.assert_array_equal(after, make_table().numpy())


def test_momentum_by_hand():
    table = tf.Variable([[1.0]])
    steps = [([0], [[1.0]]), ([0], [[1.0]])]
    # v1 = -0.1, v2 = 0.9 v1 - 0.1 = -0.19
    np.testing.assert_allclose(run(RowSGD(0.1, momentum=0.9), steps, table), [[1 - 0.1 - 0.19]])


def test_adagrad_by_hand():
    table = tf.Variable([[1.0]])
    optimizer = RowAdagrad(0.1, initial_accumulator_value=0.0, epsilon=0.0)
    after = run(optimizer, [([0], [[2.0]]), ([0], [[1.0]])], table)
    np.testing.assert_allclose(after, [[1 - 0.1 * 2 / 4**0.5 - 0.1 * 1 / 5**0.5]], rtol=1e-6)


def test_learning_rate_may_change():
    optimizer, table = RowSGD(0.5), tf.Variable([[1.0]])
    apply = tf.function(lambda: optimizer.apply(table, tf.constant([0], tf.int64), [[1.0]]))
    apply()
    optimizer.learning_rate.assign(0.25)
    apply()
    np.testing.assert_allclose(table, [[0.25]])


def test_rate_of_the_call_where_there_is_none_of_its_own():
    gradients = tf.constant([[1.0]])
    for optimizer, expected in ((RowSGD(), 0.75), (RowSGD(0.5), 0.5)):
        table = tf.Variable([[1.0]])
        optimizer.apply(table, tf.constant([0], tf.int64), gradients, learning_rate=0.25)
        np.testing.assert_allclose(table, [[expected]])
    with pytest.raises(ValueError, match="without a learning_rate needs one in each call"):
        RowSGD().apply(tf.Variable([[1.0]]), None, gradients)


def test_max_norm_of_touched_rows_only():
    table = tf.Variable([[3.0, 4.0, 0.0], [3.0, 4.0, 0.0]])
    after = run(RowSGD(1.0), [([1], [[0.0, 0.0, 0.0]])], table, max_norm=1.0)
    np.testing.assert_allclose(after, [[3, 4, 0], [0.6, 0.8, 0]], rtol=1e-6)


@by_name
def test_rows_inside_the_ball_are_not_scaled(name):
    """Feasible rows come out as without a bound, to the last bit; others on the sphere."""
    steps = make_steps(1, rows=list(range(Y)))
    bounded = run(MAKE[name][0](0.1), steps, make_table(), max_norm=1.5)
    free = run(MAKE[name][0](0.1), steps, make_table())
    norms = np.linalg.norm(free.astype(np.float64), axis=1)
    assert 0 < (norms > 1.5).sum() < Y
    np.testing.assert_array_equal(bounded[norms <= 1.5], free[norms <= 1.5])
    outside = bounded[norms > 1.5].astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(outside, axis=1), 1.5, rtol=3e-7)


def test_row_optimizer_to_go_with_one_of_keras():
    sgd = tagkeras.optimizers.matching(
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.8))
    )
    assert isinstance(sgd, RowSGD)
    assert (sgd.momentum, sgd.learning_rate) == (0.8, None)
    assert isinstance(tagkeras.optimizers.matching(keras.optimizers.Adam()), RowAdagrad)


IDS = st.lists(st.integers(0, 9) | st.sampled_from([2**40, 2**62]), max_size=40)


@settings(deadline=None, max_examples=80)
@given(IDS, st.integers(0, 2**31))
def test_sums_of_equal_ids(ids, seed):
    gradients = np.random.default_rng(seed).normal(size=(len(ids), 3)).astype(np.float32)
    summed_ids, sums = sum_duplicates(tf.constant(ids, tf.int64), tf.constant(gradients))
    summed_ids, sums = summed_ids.numpy(), sums.numpy()
    assert summed_ids.shape == (len(ids),)
    assert sums.shape == gradients.shape
    distinct = sorted(set(ids))
    assert list(summed_ids[: len(distinct)]) == distinct
    # Fillers say again what the first says, to the last bit.
    assert set(summed_ids[len(distinct) :]) <= {*distinct[:1]}
    assert all(filler.tobytes() == sums[0].tobytes() for filler in sums[len(distinct) :])
    for tag, total in zip(distinct, sums[: len(distinct)], strict=True):
        expected = np.zeros(3, np.float32)
        for place in range(len(ids)):
            if ids[place] == tag:
                expected += gradients[place]
        np.testing.assert_array_equal(total, expected)  # in the order of the ids


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_sums_compiled_to_the_same(size):
    rng = np.random.default_rng(0)
    ids = tf.constant(rng.integers(0, 700, size=size), tf.int64)
    gradients = tf.constant(rng.normal(size=(size, 4)), tf.float32)
    plain = sum_duplicates(ids, gradients)
    compiled = tf.function(sum_duplicates, jit_compile=True)
    for _ in range(3):  # and to the same each time
        for value, expected in zip(compiled(ids, gradients), plain, strict=True):
            np.testing.assert_array_equal(value, expected)
