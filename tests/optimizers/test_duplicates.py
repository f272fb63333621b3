import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tagkeras.optimizers.duplicates import sum_duplicates

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
def test_compiled_to_the_same(size):
    rng = np.random.default_rng(0)
    ids = tf.constant(rng.integers(0, 700, size=size), tf.int64)
    gradients = tf.constant(rng.normal(size=(size, 4)), tf.float32)
    plain = sum_duplicates(ids, gradients)
    compiled = tf.function(sum_duplicates, jit_compile=True)
    for _ in range(3):  # and to the same each time
        for value, expected in zip(compiled(ids, gradients), plain, strict=True):
            np.testing.assert_array_equal(value, expected)
