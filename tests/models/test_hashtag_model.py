"""One training step of each model against NumPy: loss, finite differences, projection."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy_embeddings import FORMULAS, weights_of
from numpy_warp import warp_loss

from tagkeras.layers.embeddings import EMBEDDING_NAMES, make_embedding
from tagkeras.losses.warp_loss import WarpLoss
from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.optimizers.row_adagrad import RowAdagrad
from tagkeras.optimizers.row_sgd import RowSGD
from tagkeras.warp.negative_sampler import Negatives, NegativeSampler
from tagkeras.warp.pooled_sampler import PooledSampler

B, N, M, D, Y = 4, 6, 10, 3, 8
RATE, MARGIN, MAX_NORM = 0.5, 0.1, 1.0
# Post 0 has tags 1 and 2, post 1 tag 2, post 2 none, post 3 tag 5; tag 0 was removed from post 1.
TAGS, REMOVED = [[1, 2], [2], [], [5]], [[], [0], [], []]
POST_OF_POSITIVE = [0, 0, 1, 3]
NEGATIVE, DRAWS, FOUND = [2 + 2, 4, 1, 0], [1, 3, 2, 9], [True, True, True, False]


class GivenNegatives(NegativeSampler):
    def sample(self, phi, table, post_tags, seed):
        return Negatives(tf.constant(NEGATIVE, tf.int64), tf.constant(DRAWS), tf.constant(FOUND))


def make_model(name, sampler=None, optimizers=None, num_tags=Y):
    embedding = make_embedding(
        name, embedding_dim=D, rank=5, user_hidden=4, seed=1, initial_stddev=0.6
    )
    model = HashtagModel(embedding, num_tags, max_norm=MAX_NORM, initial_stddev=0.6, seed=2)
    model.build({"descriptor": (None, N), "user_descriptor": (None, M)})
    optimizer, row_optimizer = optimizers or (
        keras.optimizers.SGD(RATE),
        RowSGD(RATE, max_norm=MAX_NORM),
    )
    model.compile(optimizer, row_optimizer, WarpLoss(sampler or GivenNegatives(margin=MARGIN)))
    return model


def make_batch():
    rng = np.random.default_rng(0)
    return {
        "descriptor": tf.constant(rng.normal(size=(B, N)), tf.float32),
        "user_descriptor": tf.constant(rng.random(size=(B, M)), tf.float32),
        "tags": tf.ragged.constant(TAGS, tf.int64, ragged_rank=1),
        "tags_removed": tf.ragged.constant(REMOVED, tf.int64, ragged_rank=1),
        "out_of_vocabulary": tf.constant([0, 0, 1, 0], tf.int64),
    }


def loss_in_numpy(name, weights, table, batch):
    total = 0.0
    positives = [tag for tags in TAGS for tag in tags]
    for post, positive, negative, draws, found in zip(
        POST_OF_POSITIVE, positives, NEGATIVE, DRAWS, FOUND, strict=True
    ):
        if found:
            x = batch["descriptor"][post].numpy().astype(np.float64)
            u = batch["user_descriptor"][post].numpy().astype(np.float64)
            phi = FORMULAS[name](weights, x, u)
            candidates = Y - len(TAGS[post]) - len(REMOVED[post])
            total += warp_loss(
                phi @ table[positive], phi @ table[negative], draws, candidates, MARGIN
            )
    return total / len(positives)


def slopes(value, loss):
    gradient = np.zeros_like(value)
    for index in np.ndindex(value.shape):
        start = value[index]
        value[index] = start + 1e-6
        up = loss()
        value[index] = start - 1e-6
        gradient[index] = (up - loss()) / 2e-6
        value[index] = start
    return gradient


def project(matrix, axis):
    norms = np.linalg.norm(matrix, axis=axis, keepdims=True)
    return matrix / np.maximum(norms / MAX_NORM, 1)


@pytest.mark.parametrize("name", EMBEDDING_NAMES)
def test_step_against_numpy(name):
    model, batch = make_model(name), make_batch()
    weights = weights_of(model.embedding)
    table = model.tag_table.numpy().astype(np.float64)
    expected_loss = loss_in_numpy(name, weights, table, batch)

    def loss():
        return loss_in_numpy(name, weights, table, batch)

    gradients = {key: slopes(value, loss) for key, value in weights.items()}
    table_gradient = slopes(table, loss)
    results = tf.function(model.train_step)(batch)

    np.testing.assert_allclose(results["loss"], expected_loss, rtol=1e-5)
    np.testing.assert_allclose(results["violator_share"], 3 / 4)
    np.testing.assert_allclose(results["mean_draws"], np.mean(DRAWS))
    for weight in model.embedding.weights:
        expected = weights[weight.name] - RATE * gradients[weight.name]
        if weight.name in {w.name for w in model.embedding.max_norm_weights}:
            expected = project(expected, axis=0)
        np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-3, atol=1e-5)
    touched = [1, 2, 4]
    expected = table - RATE * table_gradient
    expected[touched] = project(expected, axis=1)[touched]
    np.testing.assert_allclose(model.tag_table.numpy(), expected, rtol=1e-3, atol=1e-5)


def test_rows_without_a_pair_are_not_touched():
    model = make_model("bilinear")
    before = model.tag_table.numpy()
    model.train_step(make_batch())
    same = (before == model.tag_table.numpy()).all(axis=1)
    np.testing.assert_array_equal(same, [True, False, False, True, False, True, True, True])


def make_learnable(posts=256, num_tags=30):
    """Posts whose single tag is decided by image and user together."""
    rng = np.random.default_rng(0)
    concept, country = rng.integers(N, size=posts), rng.integers(5, size=posts)
    tag = concept * 5 + (country + concept) % 5
    user = np.zeros((posts, M), np.float32)
    user[np.arange(posts), 2 + country] = 1
    data = {
        "descriptor": np.eye(N, dtype=np.float32)[concept],
        "user_descriptor": user,
        "tags": tf.RaggedTensor.from_row_lengths(tag.astype(np.int64), np.ones(posts, np.int64)),
        "tags_removed": tf.RaggedTensor.from_row_lengths(
            tf.zeros([0], tf.int64), np.zeros(posts, np.int64)
        ),
        "out_of_vocabulary": np.zeros(posts, np.int64),
    }
    return tf.data.Dataset.from_tensor_slices(data).ragged_batch(64), num_tags


def test_fit_learns_what_depends_on_image_and_user():
    posts, num_tags = make_learnable()
    optimizers = (
        keras.optimizers.Adagrad(0.1, initial_accumulator_value=1e-6),
        RowAdagrad(0.1, initial_accumulator=1e-6, max_norm=MAX_NORM),
    )
    model = make_model("multiplicative", PooledSampler(), optimizers, num_tags)
    history = model.fit(posts, epochs=60, verbose=0, shuffle=False).history
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    results = model.evaluate(posts, verbose=0, return_dict=True)
    assert results["P@1"] > 0.9
    assert set(results) == {"P@1", "R@10", "A@10"}
    norms = np.linalg.norm(model.tag_table.numpy(), axis=1)
    assert norms.max() <= MAX_NORM * (1 + 1e-5)


def test_evaluate_counts_hashtags_outside_the_vocabulary():
    model = make_model("bilinear")
    results = model.evaluate(
        tf.data.Dataset.from_tensors(make_batch()), verbose=0, return_dict=True
    )
    # Y = 8 <= 10: every known tag is found; post 2 has one unknown hashtag and nothing else.
    np.testing.assert_allclose(results["R@8"], 3 / 4)
    np.testing.assert_allclose(results["A@8"], 3 / 4)


def test_top_k_breaks_ties_by_the_lower_id():
    model = make_model("bilinear")
    table = np.zeros((Y, D), np.float32)
    table[[6, 3]] = 1
    model.tag_table.assign(table)
    scores, ids = model.top_k(tf.ones([1, D]), 4)
    np.testing.assert_array_equal(ids, [[3, 6, 0, 1]])
    np.testing.assert_array_equal(scores, [[3, 3, 0, 0]])


@pytest.mark.parametrize("name", EMBEDDING_NAMES)
def test_save_and_load(name, tmp_path):
    model, batch = make_model(name), make_batch()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    inputs = {key: batch[key] for key in ("descriptor", "user_descriptor")}
    np.testing.assert_array_equal(model(inputs), again(inputs))
    np.testing.assert_array_equal(model.tag_table, again.tag_table)
    assert again.embedding.get_config() == model.embedding.get_config()
    assert (again.num_tags, again.max_norm, again.seed) == (Y, MAX_NORM, 2)


def test_predict():
    model, batch = make_model("user_biased"), make_batch()
    inputs = {key: batch[key] for key in ("descriptor", "user_descriptor")}
    np.testing.assert_allclose(model.predict(inputs, verbose=0), model(inputs), rtol=1e-6)
