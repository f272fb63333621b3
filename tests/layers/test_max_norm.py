import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tagkeras.layers import project_max_norm

MATRICES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-100, 100, width=32),
)


def test_hand_computed():
    small = tf.constant([[3e-4], [4e-4]])  # an epsilon beside the norm would show
    np.testing.assert_allclose(project_max_norm(small, 1e-4, 0), [[6e-5], [8e-5]], rtol=1e-6)
    matrix = tf.constant([[3.0, 0.3], [4.0, 0.4]])
    np.testing.assert_allclose(project_max_norm(matrix, 1.0, axis=0), [[0.6, 0.3], [0.8, 0.4]])
    np.testing.assert_allclose(
        project_max_norm(matrix, 4.0, axis=1), [[3.0, 0.3], [4 * 4 / 16.16**0.5, 1.6 / 16.16**0.5]]
    )


@settings(deadline=None, max_examples=60)
@given(MATRICES, st.floats(0.1, 10), st.sampled_from([0, 1]))
def test_projection(matrix, radius, axis):
    projected = project_max_norm(tf.constant(matrix), radius, axis).numpy()
    norms = np.linalg.norm(matrix.astype(np.float64), axis=axis, keepdims=True)
    expected = matrix * np.minimum(1, radius / np.maximum(norms, 1e-30))
    np.testing.assert_allclose(projected, expected, rtol=1e-5, atol=1e-6)
    inside = np.broadcast_to(norms < radius * (1 - 1e-6), matrix.shape)
    np.testing.assert_array_equal(projected[inside], matrix[inside])  # bit for bit


def test_subnormal_numbers_inside_stay_as_they_are():
    matrix = np.array([[1e-45, 3.0], [0.0, 4.0]], np.float32)
    projected = project_max_norm(tf.constant(matrix), 1.0, axis=0).numpy()
    np.testing.assert_array_equal(projected[:, 0], matrix[:, 0])
    np.testing.assert_allclose(projected[:, 1], [0.6, 0.8], rtol=1e-6)
