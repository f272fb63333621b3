"""Hides parts of the inputs in training, at random."""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tagkeras.configured import Configured


@keras.saving.register_keras_serializable(package="tagkeras")
@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class InputDropout(Configured):
    """Hides values of the image descriptor and known facts of the user from a step of training.

    A model that is always told a fact learns to need it. Of a share `facts` of the posts, half lose
    every fact, as a visitor of whom nothing is known, and half each fact with probability 1/2.

    Args:
        descriptor: probability that a value of an image descriptor is set to 0 (the others are
            scaled up, so that the mean stays).
        facts: share of the posts whose facts are hidden.
        groups: (start, stop) of each fact's columns in the user descriptor.
        unknown: float [m], the user descriptor of whom nothing is known.

    Example:
        >>> hide = InputDropout(facts=1.0, groups=[(0, 1), (1, 3)], unknown=[0.5, 0.0, 0.0])
        >>> inputs = {"descriptor": tf.ones([2, 4]), "user_descriptor": tf.ones([2, 3])}
        >>> hide(inputs, tf.constant([0, 1]))["user_descriptor"].shape
        TensorShape([2, 3])

    References:
        Srivastava et al., "Dropout" (JMLR 2014), section 4.
    """

    descriptor: float = 0.0
    facts: float = 0.0
    groups: Sequence[Sequence[int]] = ()
    unknown: Sequence[float] = ()

    def __call__(self, inputs: Mapping[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """The inputs of a batch with parts hidden; equal seeds hide the same.

        Args:
            inputs: `descriptor` float [B, n] and `user_descriptor` float [B, m].
            seed: int32 [2], of stateless random numbers.
        """
        seed = tf.random.experimental.stateless_fold_in(seed, -1)  # samplers fold in 0, 1, ...
        descriptor, user = inputs["descriptor"], inputs["user_descriptor"]
        if self.descriptor:
            descriptor = tf.nn.experimental.stateless_dropout(descriptor, self.descriptor, seed)
        if self.facts and self.groups:
            hidden = self._hidden_facts(tf.shape(user)[0], seed + 1)
            fact_of_column = np.full(len(self.unknown), len(self.groups))  # of no fact: never
            for number, (start, stop) in enumerate(self.groups):
                fact_of_column[start:stop] = number
            hidden = tf.gather(tf.pad(hidden, [[0, 0], [0, 1]]), fact_of_column, axis=1)
            user = tf.where(hidden, tf.constant(self.unknown, user.dtype), user)
        return {"descriptor": descriptor, "user_descriptor": user}

    def _hidden_facts(self, num_posts: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Which facts of each post are hidden, bool [B, facts]."""
        draws = tf.random.stateless_uniform([num_posts, 1 + len(self.groups)], seed)
        post, fact = draws[:, :1], draws[:, 1:]
        return (post < self.facts / 2) | ((post < self.facts) & (fact < 0.5))
