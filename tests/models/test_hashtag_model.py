"""The model as Keras runs it: fit, evaluate, predict, save; and its ranking of the vocabulary."""

import itertools

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf
from small_models import MAX_NORM, M, N, Y, make_batch

import tagkeras
from tagkeras.models import HashtagModel
from tagkeras.names import MODELS

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def make_model(name, num_tags=Y, *, dtype="float32", **kwargs):
    optimizer = keras.optimizers.Adagrad(0.1, initial_accumulator_value=1e-6)
    if dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return small_models.make_model(
        name, tagkeras.losses.Warp(), num_tags, optimizers=(optimizer, None), dtype=dtype, **kwargs
    )


def make_learnable(posts=256, *, scale=1.0, batch_size=64):
    """Posts whose single tag of 30 is decided by image and user together."""
    rng = np.random.default_rng(0)
    concept, country = rng.integers(N, size=posts), rng.integers(5, size=posts)
    tag = concept * 5 + (country + concept) % 5
    user = np.zeros((posts, M), np.float32)
    user[np.arange(posts), 2 + country] = 1
    image = scale * np.eye(N, dtype=np.float32)[concept]
    data = {"descriptor": image, "user_descriptor": user}, tag[:, None]
    return tf.data.Dataset.from_tensor_slices(data).batch(batch_size)


def test_fit_learns_what_depends_on_image_and_user():
    posts = make_learnable()
    model = make_model("multiplicative", 30)
    history = model.fit(posts, epochs=60, verbose=0, shuffle=False).history
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    results = model.evaluate(posts, verbose=0, return_dict=True)
    assert results["P@1"] > 0.9
    assert set(results) == {"P@1", "R@10", "A@10"}
    norms = np.linalg.norm(model.tag_table.numpy(), axis=1)
    assert norms.max() <= MAX_NORM + 1e-6


# A scale of 1e6, and all the more its square, is beyond the range of float16.
@pytest.mark.parametrize(
    ("dtype", "scale", "jit_compile"),
    [
        ("mixed_bfloat16", 1.0, False),
        ("mixed_float16", 1e6, True),
    ],
)
def test_fit_in_mixed_precision(dtype, scale, jit_compile):
    posts = make_learnable(scale=scale)
    model = make_model("multiplicative", 30, dtype=dtype, jit_compile=jit_compile)
    assert model.embedding.compute_dtype == dtype.removeprefix("mixed_")
    history = model.fit(posts, epochs=25, verbose=0, shuffle=False).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert np.isfinite(history["loss"]).all()
    for weight in model.weights:
        assert weight.dtype == "float32"
        assert np.isfinite(weight.numpy()).all()
    assert model(next(iter(posts))[0]).dtype == tf.float32
    if dtype == "mixed_float16":  # the first scale may be too large, but is soon found
        assert float(model.optimizer.dynamic_scale) >= 256


def test_steps_per_execution_change_nothing_and_seeds_repeat():
    """9 steps in executions of 1 and of 4, which do not divide them; and a second run of each."""
    posts = make_learnable(270, batch_size=30)
    runs = []
    for steps_per_execution in (1, 4, 4):
        model = make_model("bilinear", 30, steps_per_execution=steps_per_execution)
        history = model.fit(posts, epochs=2, verbose=0, shuffle=False).history
        runs.append([*(w.numpy() for w in model.weights), history["loss"][-1]])
        assert model.optimizer.iterations == 18
    for run in runs[1:]:
        for value, expected in zip(run, runs[0], strict=True):
            np.testing.assert_array_equal(value, expected)


def test_evaluate_counts_hashtags_outside_the_vocabulary():
    model, (inputs, tags) = make_model("bilinear"), make_batch()
    batch = inputs, {**tags, "out_of_vocabulary": tf.constant([0, 0, 1, 0])}
    results = model.evaluate(tf.data.Dataset.from_tensors(batch), verbose=0, return_dict=True)
    # Y = 8 <= 10: every known tag is found; post 2 has one unknown hashtag and nothing else.
    np.testing.assert_allclose(results["R@8"], 3 / 4)
    np.testing.assert_allclose(results["A@8"], 3 / 4)


@pytest.mark.parametrize(("name", "dtype"), itertools.product(MODELS, POLICIES))
def test_save_and_load(name, dtype, tmp_path):
    """The same predictions, and the same training from there on."""
    model, (inputs, tags) = make_model(name, dtype=dtype), make_batch()
    model.train_step((inputs, tags))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(inputs), again(inputs))
    assert again.embedding.get_config() == model.embedding.get_config()
    assert (again.num_tags, again.max_norm, again.seed) == (Y, MAX_NORM, 2)
    assert again.get_compile_config() == model.get_compile_config()
    assert again.embedding.dtype_policy.name == dtype
    model.reset_metrics()
    results = [m.train_step((inputs, tags))["loss"] for m in (model, again)]
    assert float(results[0]) == float(results[1])
    for weight, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(weight, other)
    np.testing.assert_array_equal(again.row_optimizer.accumulator, model.row_optimizer.accumulator)


def test_load_without_compiling(tmp_path):
    model, (inputs, tags) = make_model("bilinear"), make_batch()
    model.train_step((inputs, tags))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert not again.compiled
    np.testing.assert_array_equal(model(inputs), again(inputs))
    with pytest.raises(ValueError, match="compile"):
        again.fit(inputs, np.array([[1], [2], [3], [4]]), verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(model(inputs), again(inputs))


@keras.saving.register_keras_serializable(package="tests")
class Joined(keras.layers.Layer):
    """Image and user in one vector."""

    def call(self, inputs):
        return tf.concat([inputs["descriptor"], inputs["user_descriptor"]], axis=1)


@keras.saving.register_keras_serializable(package="tests")
class OwnEmbedding(keras.layers.Layer):
    """A layer that knows nothing of this library but for the name `max_norm_weights`."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(5, input_shape["descriptor"][-1]), name="kernel")
        self.bias = self.add_weight(shape=(5,), name="bias")
        self.max_norm_weights = [self.kernel]

    def call(self, inputs):
        return tf.matmul(inputs["descriptor"], self.kernel.value, transpose_b=True) + self.bias


def functional_embedding(layer):
    sizes = {"descriptor": N, "user_descriptor": M}
    inputs = {name: keras.Input([size], name=name) for name, size in sizes.items()}
    return keras.Model(inputs, layer(inputs))


EMBEDDINGS = {
    "layer": OwnEmbedding,
    "sequential": lambda: keras.Sequential(
        [Joined(), keras.layers.Dense(7, "relu"), keras.layers.Dense(5)]
    ),
    "functional": lambda: functional_embedding(
        lambda inputs: keras.layers.Dense(5)(keras.layers.Concatenate()(list(inputs.values())))
    ),
    "functional, of ours": lambda: functional_embedding(
        tagkeras.layers.MultiplicativeEmbedding(5, rank=4)
    ),
}


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("kind", EMBEDDINGS)
def test_any_embedding(kind, jit_compile, tmp_path):
    keras.utils.set_random_seed(0)
    model, posts = HashtagModel(EMBEDDINGS[kind](), 30), make_learnable()
    model.compile(keras.optimizers.Adam(0.03), jit_compile=jit_compile)
    history = model.fit(posts, epochs=8, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert model.tag_table.shape == (30, 5)
    assert 0 < model.evaluate(posts, verbose=0, return_dict=True)["R@10"] <= 1
    model.save(tmp_path / "model.keras")
    inputs, _ = next(iter(posts))
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(inputs), model(inputs))


@pytest.mark.parametrize(
    ("kind", "bounded"),
    [("layer", {"kernel"}), ("functional, of ours", {"alpha", "beta", "gamma"})],
)
def test_max_norm_of_the_columns_that_a_layer_names(kind, bounded):
    model, posts = HashtagModel(EMBEDDINGS[kind](), 30, max_norm=0.05), make_learnable()
    model.compile(keras.optimizers.SGD(0.5))
    model.fit(posts, epochs=1, verbose=0)
    for weight in [*model.embedding.weights, model.tag_table]:
        is_table = weight.name == "tag_table"
        largest = np.linalg.norm(np.atleast_2d(weight.numpy()), axis=1 if is_table else 0).max()
        assert (largest < 0.05 + 1e-6) == (is_table or weight.name in bounded), weight.name


def test_regularizers_of_the_embedding_are_part_of_the_loss():
    (inputs, tags), kernels = make_batch(), []
    for penalty in (None, keras.regularizers.L2(10.0)):
        dense = keras.layers.Dense(5, kernel_initializer="ones", kernel_regularizer=penalty)
        model = HashtagModel(keras.Sequential([Joined(), dense]), Y, max_norm=None)
        model.compile(keras.optimizers.SGD(0.01), "softmax")
        model.train_step((inputs, tags))
        kernels.append(dense.kernel.numpy())
    # The gradient of 10 w^2 at w = 1 is 20.
    np.testing.assert_allclose(kernels[0] - kernels[1], 0.01 * 20, rtol=1e-4)


def test_rows_follow_the_rate_of_the_optimizer():
    """Also where a callback of Keras or a schedule changes it."""
    model, (inputs, tags) = make_model("bilinear"), make_batch()
    model.optimizer.learning_rate = 0.0
    before = model.tag_table.numpy()
    model.train_step((inputs, tags))
    np.testing.assert_array_equal(model.tag_table, before)
    model.compile(keras.optimizers.SGD(0.1), row_optimizer=tagkeras.optimizers.RowSGD(0.5))
    model.optimizer.learning_rate = 0.0
    model.train_step((inputs, tags))
    assert (model.tag_table.numpy() != before).any()


def test_every_form_of_the_tags_trains_alike():
    inputs, tags = make_batch()
    dense = np.array([[1, 2], [2, -1], [-1, -1], [5, -1]])
    ragged, results = tags["tags"], []
    for form in (ragged, dense, tf.cast(ragged, tf.int32), {"tags": dense}):
        model = make_model("bilinear")
        results.append(float(model.train_step((inputs, form))["loss"]))
    assert len(set(results)) == 1


def test_bad_calls_are_named():
    model, (inputs, tags) = make_model("bilinear"), make_batch()
    with pytest.raises(ValueError, match="R@9: there are only 8 hashtags"):
        model.compile(metrics=[tagkeras.metrics.RecallAtK(9)])
    with pytest.raises(ValueError, match="reduction must be one of"):
        model.compile(reduction="max")
    with pytest.raises(ValueError, match="sample_weight is not supported in training"):
        model.train_step((inputs, tags, np.ones(4)))
    flat = keras.Sequential([Joined(), keras.layers.Reshape([-1, 4])])
    with pytest.raises(ValueError, match=r"the embedding must give a tensor \[batch, d\]"):
        HashtagModel(flat, 5)(inputs)
