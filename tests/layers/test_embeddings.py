import numpy as np
import pytest
import tensorflow as tf
from numpy_embeddings import FORMULAS, make_embedding, weights_of
from numpy_losses import slopes

from tagkeras.layers import project_columns
from tagkeras.names import MODELS

N, M, D, K, HIDDEN = 7, 10, 4, 5, 6


def make(name, **kwargs):
    layer = make_embedding(name, embedding_dim=D, rank=K, user_hidden=HIDDEN, seed=3, **kwargs)
    layer.build({"descriptor": (None, N), "user_descriptor": (None, M)})
    return layer


def make_inputs(posts=9):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(posts, N)).astype(np.float32)
    x[0] = 0  # a zero descriptor
    x[1] *= 1e4
    u = rng.normal(size=(posts, M)).astype(np.float32)
    return {"descriptor": x, "user_descriptor": u}


@pytest.mark.parametrize("name", MODELS)
def test_formula(name):
    layer, inputs = make(name, initial_stddev=0.7), make_inputs()
    weights = weights_of(layer)
    expected = [
        FORMULAS[name](weights, x, u)
        for x, u in zip(inputs["descriptor"], inputs["user_descriptor"], strict=True)
    ]
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_shapes_and_scale_of_the_descriptor_do_not_matter(name):
    layer, inputs = make(name), make_inputs()
    phi = layer(inputs)
    assert phi.shape == layer.compute_output_shape({"descriptor": (9, N)}) == (9, D)
    scaled = {**inputs, "descriptor": inputs["descriptor"] * 37.0}
    np.testing.assert_allclose(layer(scaled), phi, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("bilinear", {"P": (D, N)}),
        ("user_biased", {"P": (D, N), "S": (D, M)}),
        (
            "multiplicative",
            {
                "W": (HIDDEN, M),
                "b": (HIDDEN,),
                "alpha": (HIDDEN, K),
                "beta": (D, K),
                "gamma": (N, K),
            },
        ),
    ],
)
def test_weights_and_those_under_max_norm(name, shapes):
    layer = make(name, initial_stddev=2.0)
    assert {weight.name: tuple(weight.shape) for weight in layer.weights} == shapes
    before = weights_of(layer)
    project_columns(layer.max_norm_weights, 1.0)
    for weight_name, after in weights_of(layer).items():
        if weight_name in ("S", "W", "b"):
            np.testing.assert_array_equal(after, before[weight_name])
        else:
            norms = np.linalg.norm(before[weight_name], axis=0)
            np.testing.assert_allclose(after, before[weight_name] / np.maximum(norms, 1), rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("dtype", "rtol"), [("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)])
def test_mixed_precision_computes_the_same_in_fewer_digits(name, dtype, rtol):
    inputs = make_inputs()
    inputs["descriptor"] = inputs["descriptor"] * 1e8  # far beyond the range of float16
    layer = make(name, initial_stddev=0.7, dtype=dtype)
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    phi = layer(inputs)
    assert phi.dtype == layer.compute_dtype
    expected = make(name, initial_stddev=0.7)(inputs).numpy()
    tolerance = rtol * np.abs(expected).max()
    np.testing.assert_allclose(tf.cast(phi, tf.float32), expected, rtol=rtol, atol=tolerance)


def test_weights_differ_from_one_another_and_repeat_with_the_seed():
    first, again = make("multiplicative"), make("multiplicative")
    for one, other in zip(first.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.allclose(first.alpha[:D, :], first.beta[:D, :])


@pytest.mark.parametrize("name", MODELS)
def test_gradient_by_the_descriptor_is_orthogonal_to_it(name):
    """The length of a descriptor does not matter; the gradient of a zero one is no NaN."""
    layer, inputs = make(name), make_inputs()
    x = tf.constant(inputs["descriptor"])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer({**inputs, "descriptor": x}))
    gradient = tape.gradient(total, x)
    assert np.abs(gradient[2:]).max() > 1e-3
    np.testing.assert_allclose(tf.reduce_sum(gradient * x, axis=1), np.zeros(9), atol=1e-4)


@pytest.mark.parametrize("user_offset", [False, True])
def test_gradients_against_finite_differences(user_offset):
    layer = make("multiplicative", initial_stddev=0.5, user_offset=user_offset)
    inputs = make_inputs()
    target = np.random.default_rng(1).normal(size=(9, D))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs) * target)
    gradients = tape.gradient(loss, [weight.value for weight in layer.weights])
    assert {"S", "c"} <= {w.name for w in layer.weights} if user_offset else len(gradients) == 5
    weights = weights_of(layer)

    def loss_in_numpy():
        phi = [
            FORMULAS["multiplicative"](weights, x.astype(np.float64), u)
            for x, u in zip(inputs["descriptor"], inputs["user_descriptor"], strict=True)
        ]
        return (np.array(phi) * target).sum()

    for weight, gradient in zip(layer.weights, gradients, strict=True):
        expected = slopes(weights[weight.name], loss_in_numpy)
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4)
