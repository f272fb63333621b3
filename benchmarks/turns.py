"""Training in turn, so that other work on the machine slows all models alike."""

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.lightfm_trainer import LightFMTrainer
from benchmarks.stopwatch import Stopwatch
from benchmarks.tagkeras_trainer import TagkerasTrainer

Trainer = LightFMTrainer | TagkerasTrainer


def train_in_turn(trainers: Sequence[Trainer], num_posts: int, seconds: float) -> None:
    """Trains each for this many seconds by its watch; the one with the least is always next."""
    batches = {}
    for trainer in trainers:
        trainer.watch = Stopwatch()
        batches[trainer] = _endless_batches(num_posts, trainer.batch_size)
    while True:
        trainer = min(trainers, key=lambda trainer: trainer.watch.seconds)
        if trainer.watch.seconds >= seconds:
            return
        trainer.train(next(batches[trainer]), trainer.watch.seconds / seconds)


def whole_batches(num_posts: int, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The rows of all posts in a random order, without a last batch that is not full."""
    order = rng.permutation(num_posts)
    return [order[first : first + size] for first in range(0, num_posts - size + 1, size)]


def _endless_batches(num_posts: int, size: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(1)
    while True:
        yield from whole_batches(num_posts, size, rng)
