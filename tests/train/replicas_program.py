"""Trains on a dataset by a strategy, for the tests, with negatives that are given; saves weights.

python replicas_program.py STRATEGY DATASET OPTIMIZER RESULT.npz
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_tags import split_batch
from tagkeras.data.training_input import TrainingInput
from tagkeras.losses import Warp
from tagkeras.samplers import Negatives, Sampler
from tagkeras.train import model as train_model
from tagkeras.train.checkpoints import RunState
from tagkeras.train.config import Settings
from tagkeras.train.loop import Stepper, train_epochs
from tagkeras.train.replicas import Replicas, make_strategy

EPOCHS, BATCH_SIZE = 5, 42  # 50 steps of 420 posts


class GivenNegatives(Sampler):
    """Negatives that depend on the positive alone, and a third of the positives without one."""

    def sample(self, phi, table, post_tags, thresholds, seed):
        tag = (post_tags.tag * 7 + 3) % table.shape[0]
        draws = tf.cast(1 + post_tags.tag % 5, tf.int32)
        return Negatives(tag, draws, (post_tags.tag % 3 > 0) & (tag != post_tags.tag))


def main(name, dataset, optimizer, result):
    if name == "mirrored":
        (cpu,) = tf.config.list_physical_devices("CPU")
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
    strategy = make_strategy(name)
    train_model.make_loss = lambda settings: Warp(sampler=GivenNegatives())
    dataset = Path(dataset)
    manifest = Manifest.load(dataset)
    reduction = {"sgd": {"reduction": "sum", "learning_rate": 0.002}}.get(optimizer, {})
    settings = Settings(
        optimizer=optimizer, embedding_dim=8, rank=6, fact_dropout=0, tag_stddev=0.1, **reduction
    )
    posts = TrainingInput(dataset, manifest, batch_size=BATCH_SIZE, seed=1)
    scope = strategy or tf.distribute.get_strategy()
    with scope.scope():
        model = train_model.make_model(settings, manifest)
        train_model.compile_model(model, settings)
    stepper = Replicas(model, posts, strategy) if strategy else Stepper(model, posts)
    assert posts.steps_per_epoch * EPOCHS == 50
    train_epochs(
        stepper,
        RunState(steps_per_epoch=posts.steps_per_epoch),
        [],
        epochs=EPOCHS,
        validation=data_input.read_split(dataset, manifest, "validation", 32).map(split_batch),
    )
    copies = [scope.experimental_local_results(weight.value) for weight in model.weights]
    for values in copies:  # replicas have not grown apart
        for value in values:
            np.testing.assert_array_equal(value.numpy(), values[0].numpy())
    weights = {str(i): values[0].numpy() for i, values in enumerate(copies)}
    metrics = {metric.name: float(metric.result()) for metric in model.metrics}
    np.savez(result, replicas=scope.num_replicas_in_sync, **weights, **metrics)


if __name__ == "__main__":
    main(*sys.argv[1:])
