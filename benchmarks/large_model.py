"""The multiplicative model, trained on a world with millions of hashtags."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.large_world import LargeWorld
from benchmarks.planted import COUNTRIES
from benchmarks.post_arrays import USER_DESCRIPTOR_SIZE, PostArrays
from tagkeras.cli.files import written_aside
from tagkeras.cli.progress import progress
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_tags import split_batch
from tagkeras.models import HashtagModel
from tagkeras.train.config import Settings
from tagkeras.train.model import compile_model, make_model

EMBED_BATCH = 1024
RATE_INTERVAL = 50


@dataclasses.dataclass(frozen=True)
class Training:
    """What the model is trained on, and how long.

    Attributes:
        num_tags: Y.
        topics: of the world.
        descriptor_size: n.
        passes: over the vocabulary: a pass has a post for each hashtag, and half as many for
            hashtags drawn by popularity.
        batch_size: posts in a step.
    """

    num_tags: int
    topics: int
    descriptor_size: int
    passes: int
    batch_size: int

    def make_world(self) -> LargeWorld:
        """The world of the posts."""
        return LargeWorld(self.num_tags, self.topics, self.descriptor_size)

    def manifest(self) -> Manifest:
        """That of the dataset which the posts would make."""
        return Manifest(
            descriptor_size=self.descriptor_size,
            descriptor_dtype="float32",
            num_tags=self.num_tags,
            splits={},
            user_descriptor={
                "countries": list(COUNTRIES),
                "location_decimals": 1,
                "size": USER_DESCRIPTOR_SIZE,
            },
        )


def train_or_load(training: Training, folder: Path | None) -> HashtagModel:
    """The trained model, out of `folder` if an earlier call left it there; None keeps nothing."""
    settings = Settings()
    model = make_model(settings, training.manifest())
    name = "-".join(str(value) for value in dataclasses.astuple(training))
    path = folder / f"large-{name}.weights.h5" if folder else None
    if path and path.exists():
        model.load_weights(path)
        return model
    compile_model(model, settings)
    _train(model, settings, training)
    if path is None:
        return model
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        written = aside.with_name(f"{aside.name}.weights.h5")  # Keras wants the ending
        model.save_weights(written)
        written.rename(aside)
    return model


def embed(model: HashtagModel, posts: PostArrays) -> np.ndarray:
    """Phi of posts, float32 [B, d]."""
    batches = [
        model(
            {
                "descriptor": posts.descriptors[start : start + EMBED_BATCH],
                "user_descriptor": posts.user_descriptors[start : start + EMBED_BATCH],
            }
        ).numpy()
        for start in range(0, len(posts), EMBED_BATCH)
    ]
    return np.concatenate(batches)


def _train(model: HashtagModel, settings: Settings, training: Training) -> None:
    """Trains with the schedule of `tagkeras.train`, a rate that falls to a hundredth."""
    world = training.make_world()
    rng = np.random.default_rng(1)
    ragged = tf.RaggedTensorSpec([None, None], tf.int64)
    signature = {
        "descriptor": tf.TensorSpec([None, training.descriptor_size]),
        "user_descriptor": tf.TensorSpec([None, USER_DESCRIPTOR_SIZE]),
        "tags": ragged,
        "tags_removed": ragged,
        "out_of_vocabulary": tf.TensorSpec([None], tf.int64),
    }
    step = tf.function(
        lambda batch: model.train_step(split_batch(batch)), input_signature=[signature]
    )
    size = training.batch_size
    steps_a_pass = (training.num_tags + training.num_tags // 2) // size
    total = training.passes * steps_a_pass
    with progress("training", total, "steps") as advance:
        for number in range(total):
            place = number % steps_a_pass
            if place == 0:
                popular = world.draw_popular(training.num_tags // 2, rng)
                tags = rng.permutation(np.concatenate([np.arange(training.num_tags), popular]))
            if number % RATE_INTERVAL == 0:
                rate = settings.first_learning_rate * max(1 - number / total, 0.01)
                model.optimizer.learning_rate.assign(rate)
            posts = world.draw_posts(tags[place * size : (place + 1) * size], rng)
            measured = step(_batch(posts))
            advance(1)
    final = {name: round(float(value), 3) for name, value in measured.items()}
    print(f"last step: {final}", file=sys.stderr)


def _batch(posts: PostArrays) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    return {
        "descriptor": tf.constant(posts.descriptors),
        "user_descriptor": tf.constant(posts.user_descriptors),
        "tags": tf.RaggedTensor.from_row_lengths(
            np.concatenate(posts.tags), [len(tags) for tags in posts.tags]
        ),
        "tags_removed": tf.RaggedTensor.from_row_lengths(
            tf.zeros([0], tf.int64), tf.zeros([len(posts)], tf.int64)
        ),
        "out_of_vocabulary": tf.zeros([len(posts)], tf.int64),
    }
