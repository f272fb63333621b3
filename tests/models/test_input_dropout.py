"""What training hides of the inputs: laws, repeatability, and that evaluation sees everything."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import M, N, Y, make_batch

from tagkeras.layers import MultiplicativeEmbedding
from tagkeras.losses import Warp
from tagkeras.models import HashtagModel, InputDropout
from tagkeras.samplers import Pooled

GROUPS, UNKNOWN = [(0, 1), (1, 2), (2, 7), (7, 10)], [0.5, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 0.5]
POSTS = 4000


def draw(dropout, seed=0, step=3):
    inputs = {"descriptor": tf.ones([POSTS, N]), "user_descriptor": tf.fill([POSTS, M], 0.25)}
    dropped = dropout(inputs, tf.constant([seed, step]))
    return dropped["descriptor"].numpy(), dropped["user_descriptor"].numpy()


def test_shares_of_what_is_hidden():
    dropout = InputDropout(descriptor=0.25, facts=0.4, groups=GROUPS, unknown=UNKNOWN)
    descriptor, user = draw(dropout)
    np.testing.assert_allclose(np.unique(descriptor), [0, 1 / 0.75], rtol=1e-6)
    np.testing.assert_allclose(np.mean(descriptor == 0), 0.25, atol=0.01)
    is_hidden = user != 0.25
    np.testing.assert_array_equal(user[is_hidden], np.broadcast_to(UNKNOWN, user.shape)[is_hidden])
    facts = np.stack([is_hidden[:, start:stop].all(axis=1) for start, stop in GROUPS], axis=1)
    some = np.stack([is_hidden[:, start:stop].any(axis=1) for start, stop in GROUPS], axis=1)
    np.testing.assert_array_equal(facts, some)  # a fact is hidden as a whole
    # Half of the 40% lose all of 4 facts; of the others 1 in 16 does, and 1 in 16 loses none.
    np.testing.assert_allclose(np.mean(facts.all(axis=1)), 0.2 + 0.2 / 16, atol=0.025)
    np.testing.assert_allclose(np.mean(~facts.any(axis=1)), 0.6 + 0.2 / 16, atol=0.03)
    np.testing.assert_allclose(facts.mean(axis=0), 0.3, atol=0.03)


def test_columns_of_no_fact_stay():
    _, user = draw(InputDropout(facts=1.0, groups=GROUPS[2:], unknown=UNKNOWN))
    assert (user[:, :2] == 0.25).all()
    assert (user[:, 2:] != 0.25).any()


def test_drawn_by_seed_and_step():
    dropout = InputDropout(descriptor=0.5, facts=0.5, groups=GROUPS, unknown=UNKNOWN)
    first = draw(dropout)
    for again, other_seed, other_step, one in zip(
        draw(dropout), draw(dropout, seed=1), draw(dropout, step=4), first, strict=True
    ):
        np.testing.assert_array_equal(again, one)
        assert (other_seed != one).any()
        assert (other_step != one).any()


def make_model(dropout):
    embedding = MultiplicativeEmbedding(3, rank=5, user_hidden=4, seed=1)
    model = HashtagModel(embedding, Y, seed=2, input_dropout=dropout)
    model.build({"descriptor": (None, N), "user_descriptor": (None, M)})
    return model


@pytest.mark.parametrize("jit_compile", [False, True])
def test_step_is_that_of_the_hidden_inputs(jit_compile):
    dropout = InputDropout(facts=1.0, groups=GROUPS, unknown=UNKNOWN)
    inputs, tags = make_batch()
    # XLA has numbers of its own.
    hidden = tf.function(dropout, jit_compile=jit_compile)(inputs, tf.constant([2, 0]))
    assert (hidden["user_descriptor"] != inputs["user_descriptor"]).numpy().any()
    weights = []
    for model, given in (make_model(dropout), inputs), (make_model(None), hidden):
        loss = Warp(sampler=Pooled(max_negatives=20))
        model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=jit_compile)
        model.train_step((given, tags))
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_only_training_hides_and_keras_files_keep_it(tmp_path):
    dropout = InputDropout(descriptor=0.5, facts=0.5, groups=GROUPS, unknown=UNKNOWN)
    model, plain = make_model(dropout), make_model(None)
    inputs, _ = make_batch()
    np.testing.assert_allclose(model.predict(inputs, verbose=0), plain(inputs), rtol=1e-4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").input_dropout
    for one, other in zip(draw(loaded), draw(dropout), strict=True):
        np.testing.assert_array_equal(one, other)
