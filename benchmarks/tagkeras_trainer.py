"""The multiplicative model with default settings on posts in memory."""

import numpy as np
import tensorflow as tf

from benchmarks.exact_ranking import Embedded
from benchmarks.post_arrays import PostArrays
from benchmarks.stopwatch import Stopwatch
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_tags import split_batch
from tagkeras.train.config import Settings
from tagkeras.train.model import compile_model, make_model

EMBED_BATCH = 1024


class TagkerasTrainer:
    """Trains in batches of 128 posts, as `tagkeras.train` does by default.

    Args:
        posts: to train on.
        num_tags: Y.
        settings: of the model; the defaults of `tagkeras.train` if absent.
    """

    batch_size = 128

    def __init__(
        self, posts: PostArrays, num_tags: int, *, settings: Settings | None = None
    ) -> None:
        self.settings = settings or Settings(fact_dropout=0)
        self.margin = self.settings.margin
        n, m = posts.descriptors.shape[1], posts.user_descriptors.shape[1]
        self.model = make_model(
            self.settings,
            Manifest(
                descriptor_size=n,
                descriptor_dtype="float32",
                num_tags=num_tags,
                splits={},
                user_descriptor={"countries": [], "location_decimals": 1, "size": m},
            ),
        )
        compile_model(self.model, self.settings)
        self.posts = {
            "descriptor": tf.constant(posts.descriptors),
            "user_descriptor": tf.constant(posts.user_descriptors),
            "tags": tf.RaggedTensor.from_row_lengths(
                np.concatenate(posts.tags).astype(np.int64), [len(tags) for tags in posts.tags]
            ),
            "tags_removed": tf.RaggedTensor.from_row_lengths(
                tf.zeros([0], tf.int64), tf.zeros([len(posts)], tf.int64)
            ),
            "out_of_vocabulary": tf.zeros([len(posts)], tf.int64),
        }
        ragged = tf.RaggedTensorSpec([None, None], tf.int64)
        signature = {
            "descriptor": tf.TensorSpec([None, n]),
            "user_descriptor": tf.TensorSpec([None, m]),
            "tags": ragged,
            "tags_removed": ragged,
            "out_of_vocabulary": tf.TensorSpec([None], tf.int64),
        }
        self._step = tf.function(
            lambda batch: self.model.train_step(split_batch(batch)), input_signature=[signature]
        )
        self.watch = Stopwatch()
        self.positives = 0

    def train(self, rows: np.ndarray, progress: float = 0.0) -> None:
        """Trains on these posts once, in this order; only the steps count as time.

        Args:
            rows: of the posts.
            progress: how much of the training is done, 0 to 1, for the linear schedule.
        """
        settings = self.settings
        full_rate = settings.learning_rate or settings.rate_for(self.batch_size)
        rate = full_rate * max(1 - progress, 0.01)
        self.model.optimizer.learning_rate.assign(rate)
        for first in range(0, len(rows), self.batch_size):
            some = rows[first : first + self.batch_size]
            batch = {name: tf.gather(values, some) for name, values in self.posts.items()}
            with self.watch:
                float(self._step(batch)["loss"])  # waits until it is done
            self.positives += int(tf.size(batch["tags"].flat_values))

    def embed(self, posts: PostArrays) -> Embedded:
        """These posts and all tags."""
        batches = [
            self.model(
                {
                    "descriptor": posts.descriptors[start : start + EMBED_BATCH],
                    "user_descriptor": posts.user_descriptors[start : start + EMBED_BATCH],
                }
            ).numpy()
            for start in range(0, len(posts), EMBED_BATCH)
        ]
        return Embedded(np.concatenate(batches), self.model.tag_table.numpy())
