"""One training step of each model and loss against NumPy: loss, finite differences, projection."""

import keras
import numpy as np
import numpy_losses
import pytest
import tensorflow as tf
from numpy_embeddings import FORMULAS, weights_of
from numpy_losses import slopes
from small_models import MAX_NORM, RATE, REMOVED, TAGS, Y, make_batch, make_model

from tagkeras.layers import project_columns
from tagkeras.losses import Bpr, SampledSoftmax, Softmax, Warp
from tagkeras.names import LOSSES, MODELS
from tagkeras.optimizers import RowSGD
from tagkeras.samplers import Negatives, Pooled, Sampler

MARGIN = 2.0  # large, so that every hinge is open
# Post 0 has tags 1 and 2, post 1 tag 2, post 2 none, post 3 tag 5; tag 0 was removed from post 1.
NEGATIVE, DRAWS, FOUND = [4, 4, 1, 0], [1, 3, 2, 9], [True, True, True, False]
BPR_NEGATIVE, POOL = [4, 3, 7, 1], [2, 7, 0, 2, 6]


class GivenNegatives(Sampler):
    def sample(self, phi, table, post_tags, thresholds, seed):
        padding = [[0, tf.shape(post_tags.post)[0] - len(NEGATIVE)]]
        return Negatives(
            tf.pad(tf.constant(NEGATIVE, tf.int64), padding),
            tf.pad(tf.constant(DRAWS), padding),
            tf.pad(tf.constant(FOUND), padding),
        )


class GivenBpr(Bpr):
    def draw(self, phi, table, post_tags, seed):
        count = tf.shape(post_tags.post)[0]
        negative = tf.pad(tf.constant(BPR_NEGATIVE, tf.int64), [[0, count - len(BPR_NEGATIVE)]])
        weight = tf.ones([count])
        return self.draw_pairs(table, post_tags, negative, weight, post_tags.is_positive, {})


class GivenPool(SampledSoftmax):
    """The draw of a seed with this pool: 5 of 8 tags, one of them twice."""

    def draw(self, phi, table, post_tags, seed):
        draw = super().draw(phi, table, post_tags, seed)
        pool = tf.constant(POOL, tf.int64)
        excluded = [{*own, *gone} for own, gone in zip(TAGS, REMOVED, strict=True)]
        is_own = np.array([[tag in of_post for tag in POOL] for of_post in excluded])
        return draw._replace(
            tags=tf.concat([draw.tags[: -len(POOL)], pool], axis=0),
            details=tf.constant(np.where(is_own, -1e30, np.log(Y / len(POOL))), tf.float32),
        )


MAKE_LOSS = {
    "warp": lambda: Warp(MARGIN, GivenNegatives()),
    "bpr": GivenBpr,
    "softmax": Softmax,
    "sampled_softmax": lambda: GivenPool(len(POOL)),
}
ORACLES = {
    "warp": lambda *values: numpy_losses.warp(
        *values, TAGS, REMOVED, NEGATIVE, DRAWS, FOUND, MARGIN
    ),
    "bpr": lambda *values: numpy_losses.bpr(*values, TAGS, REMOVED, BPR_NEGATIVE),
    "softmax": lambda *values: numpy_losses.softmax(*values, TAGS, REMOVED),
    "sampled_softmax": lambda *values: numpy_losses.sampled_softmax(*values, TAGS, REMOVED, POOL),
}
TOUCHED = {
    "warp": [1, 2, 4],
    "bpr": [1, 2, 3, 4, 5, 7],
    "softmax": range(Y),
    "sampled_softmax": [0, 1, 2, 5, 6, 7],
}


def weights_and_table(model):
    return {
        **{w.name: w.numpy() for w in model.embedding.weights},
        "table": model.tag_table.numpy(),
    }


def project(matrix, axis):
    norms = np.linalg.norm(matrix, axis=axis, keepdims=True)
    return matrix / np.maximum(norms / MAX_NORM, 1)


def step_in_numpy(model, name, loss_name, batch, scale=1):
    """The loss, and weights and table after one step of SGD at `scale` times the rate."""
    weights = weights_of(model.embedding)
    table = model.tag_table.numpy().astype(np.float64)
    inputs = [batch[0][key].numpy().astype(np.float64) for key in ("descriptor", "user_descriptor")]

    def loss():
        phi = np.array([FORMULAS[name](weights, x, u) for x, u in zip(*inputs, strict=True)])
        return ORACLES[loss_name](phi, table) / len(NEGATIVE)

    rate = RATE * scale
    after = {key: value - rate * slopes(value, loss) for key, value in weights.items()}
    for weight in model.embedding.max_norm_weights:
        after[weight.name] = project(after[weight.name], axis=0)
    after["table"] = table - rate * slopes(table, loss)
    touched = list(TOUCHED[loss_name])
    after["table"][touched] = project(after["table"], axis=1)[touched]
    return loss(), after


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("name", MODELS)
def test_step_against_numpy(name, loss_name):
    model, batch = make_model(name, MAKE_LOSS[loss_name]()), make_batch()
    expected_loss, expected = step_in_numpy(model, name, loss_name, batch)
    assert expected_loss > 0.1
    before = weights_and_table(model)
    results = model.train_step(batch)
    np.testing.assert_allclose(results["loss"], expected_loss, rtol=1e-5)
    if loss_name == "warp":
        np.testing.assert_allclose(results["violator_share"], 3 / 4)
        np.testing.assert_allclose(results["mean_draws"], np.mean(DRAWS))
    after = weights_and_table(model)
    for key, value in expected.items():
        np.testing.assert_allclose(after[key], value, rtol=1e-3, atol=1e-5, err_msg=key)
    moved = (after["table"] != before["table"]).any(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(moved), TOUCHED[loss_name])


@pytest.mark.parametrize("loss_name", LOSSES)
def test_compiled_step(loss_name):
    """The first step against NumPy, four more against the step that is not compiled."""
    batch = make_batch()
    model = make_model("multiplicative", MAKE_LOSS[loss_name](), jit_compile=True)
    plain = make_model("multiplicative", MAKE_LOSS[loss_name]())
    expected_loss, expected = step_in_numpy(model, "multiplicative", loss_name, batch)
    results = model.train_step(batch)
    np.testing.assert_allclose(results["loss"], expected_loss, rtol=1e-5)
    for key, value in weights_and_table(model).items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-3, atol=1e-5, err_msg=key)
    for _ in range(4):
        results = model.train_step(batch)
    for _ in range(5):
        other = plain.train_step(batch)
    for key in other:
        np.testing.assert_allclose(results[key], other[key], rtol=1e-4)
    expected = weights_and_table(plain)
    for key, value in weights_and_table(model).items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-3, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("loss_name", ["warp", "softmax"])
def test_sum_is_as_many_times_as_long_as_the_mean(loss_name):
    model = make_model("multiplicative", MAKE_LOSS[loss_name](), reduction="sum")
    batch, scale = make_batch(), len(NEGATIVE)
    expected_loss, expected = step_in_numpy(model, "multiplicative", loss_name, batch, scale)
    results = model.train_step(batch)
    np.testing.assert_allclose(results["loss"], expected_loss, rtol=1e-5)  # a mean all the same
    for key, value in weights_and_table(model).items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-3, atol=1e-5, err_msg=key)


def test_compiled_once_for_batches_of_like_size():
    model = make_model("bilinear", Warp(sampler=Pooled(max_negatives=20)), jit_compile=True)
    rng = np.random.default_rng(0)
    for missing in range(6):
        sizes = rng.permutation([3] * 8 + [2] * 4)[: 12 - missing % 3]
        tags = [rng.choice(Y, size, replace=False) for size in sizes]
        tags += [[]] * (12 - len(tags))
        model.train_step(make_batch(tags, [[]] * 12))
    assert model.take_step.experimental_get_tracing_count() == 1


def test_batch_without_positives_changes_nothing():
    model = make_model("bilinear", Warp(sampler=Pooled(max_negatives=20)))
    project_columns(model.embedding.max_norm_weights, MAX_NORM)
    before = weights_and_table(model)
    results = model.train_step(make_batch([[], []], [[1], []]))
    assert all(float(result) == 0 for result in results.values())
    for key, value in weights_and_table(model).items():
        np.testing.assert_array_equal(value, before[key])


def make_float16_model(loss, **kwargs):
    optimizers = (
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(RATE, momentum=0.9)),
        RowSGD(RATE, momentum=0.9),
    )
    return make_model(
        "multiplicative", loss, optimizers=optimizers, dtype="mixed_float16", **kwargs
    )


def test_infinite_gradients_of_float16_skip_the_step_and_lower_the_scale():
    model, batch = make_float16_model(Softmax()), make_batch()
    model.train_step(batch)  # from here on there is momentum
    before, velocity = weights_and_table(model), model.row_optimizer.velocity.numpy()
    model.optimizer.dynamic_scale.assign(2.0**100)  # finite in the rows' float32
    results = model.train_step(batch)
    assert np.isfinite(results["loss"])
    for key, value in weights_and_table(model).items():
        np.testing.assert_array_equal(value, before[key], err_msg=key)
    np.testing.assert_array_equal(model.row_optimizer.velocity, velocity)
    assert float(model.optimizer.dynamic_scale) == 2.0**99
    for _ in range(100):
        model.train_step(batch)
    after = weights_and_table(model)
    assert all(np.isfinite(value).all() for value in after.values())
    assert all((value != before[key]).any() for key, value in after.items())


def test_scale_of_float16_does_not_change_the_step():
    results = []
    for scale in (1.0, 2.0**10):
        model, batch = make_float16_model(Softmax()), make_batch()
        model.optimizer.dynamic_scale.assign(scale)
        for _ in range(3):
            loss = model.train_step(batch)["loss"]
        results.append({**weights_and_table(model), "loss": loss})
    for key, value in results[0].items():
        np.testing.assert_allclose(results[1][key], value, rtol=0.02, atol=0.01, err_msg=key)
