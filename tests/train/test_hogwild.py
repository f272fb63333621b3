"""Threads that share a model: no step is lost, one thread is a plain run, many still learn."""

import numpy as np
import pytest
import tensorflow as tf

from tagkeras.data.manifest import Manifest
from tagkeras.data.post_tags import split_batch
from tagkeras.data.training_input import TrainingInput
from tagkeras.train import loop
from tagkeras.train.checkpoints import RunState
from tagkeras.train.config import Settings
from tagkeras.train.loop import Hogwild, train_epochs
from tagkeras.train.model import compile_model, make_model


def make(dataset, batch_size=20):
    manifest = Manifest.load(dataset)
    settings = Settings(optimizer="adagrad", embedding_dim=8, rank=8)
    model = make_model(settings, manifest)
    compile_model(model, settings)
    return model, TrainingInput(dataset, manifest, batch_size=batch_size, seed=3)


def run(model, posts, num_threads, callbacks=(), epochs=2):
    state = RunState(steps_per_epoch=posts.steps_per_epoch)
    train_epochs(Hogwild(model, posts, num_threads), state, callbacks, epochs=epochs)


@pytest.mark.slow
def test_one_thread_trains_as_fit_does(dataset):
    plain, posts = make(dataset)
    plain.fit(
        posts.batches(first_epoch=0, epochs=2).map(split_batch),
        epochs=2,
        steps_per_epoch=posts.steps_per_epoch,
        verbose=0,
        shuffle=False,
    )
    model, posts = make(dataset)
    run(model, posts, 1)
    for ours, theirs in zip(model.weights, plain.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_threads_share_the_steps_and_learn(dataset, monkeypatch):
    model, posts = make(dataset, batch_size=4)
    seen, threads = [], set()
    train_step = model.train_step

    def watched(data, thread):
        def note(descriptors, thread):
            seen.append(descriptors.numpy())
            threads.add(int(thread))
            return np.float32(0)

        tf.py_function(note, [data[0]["descriptor"], thread], tf.float32)
        return train_step(data, thread)

    model.train_step = watched
    monkeypatch.setattr(loop, "STEPS_PER_THREAD", 13)  # 39 do not divide the steps of an epoch
    losses = []

    class Watcher(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            losses.append(logs["loss"])

    run(model, posts, 3, [Watcher()], epochs=6)
    assert len(seen) == 6 * 150
    _, counts = np.unique(np.concatenate(seen), axis=0, return_counts=True)
    assert (counts % 6 == 0).all()  # each post once an epoch
    assert len(threads) > 1
    assert losses[-1] < 0.9 * losses[0]


def test_threads_draw_other_negatives(dataset):
    drawn = []
    for thread in (1, 2, 2):
        model, posts = make(dataset)
        (batch,) = posts.batches(first_epoch=0, epochs=1).take(1)
        model.train_step(split_batch(batch), tf.constant(thread))
        drawn.append(model.tag_table.numpy())
    np.testing.assert_array_equal(drawn[1], drawn[2])
    assert (drawn[0] != drawn[1]).any()


def test_errors_of_a_thread_are_raised(dataset):
    model, posts = make(dataset)

    def fail(data, thread):
        raise RuntimeError("no step")

    model.train_step = fail
    with pytest.raises(RuntimeError, match="no step"):
        run(model, posts, 2)
