"""The users of posts: their descriptors, and what is seen of each fact."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.data.facts import LATITUDE, PLACE, FactSchema, to_columns
from tagkeras.layers import UserDescriptor

# Users are described so many at a time: sines of other batch sizes may round otherwise, and what
# is written of a post must not depend on its neighbours.
_BATCH = 64


def describe_users(layer: UserDescriptor, facts: Mapping[str, np.ndarray]) -> np.ndarray:
    """The descriptors of some users, float32 [B, m], of their facts by name, each [B]."""
    number = len(facts[LATITUDE.name])
    size = -(-number // _BATCH) * _BATCH
    # The first users again fill the last batch up.
    filled = {name: tf.constant(np.resize(values, size)) for name, values in facts.items()}
    return layer(filled).numpy()[:number]


@dataclasses.dataclass
class SeenFacts:
    """What is seen of the facts of some users.

    Attributes:
        lowest, highest: of each value of their descriptors, m floats; infinite without users.
        counts: as the manifest's `seen`: for each fact, `known` and `not_kept`.
    """

    lowest: list[float]
    highest: list[float]
    counts: dict[str, dict[str, int]]

    @classmethod
    def empty(cls, schema: FactSchema) -> "SeenFacts":
        """What is seen of nobody."""
        nobody = to_columns([], schema.facts)
        return cls.of(schema, np.zeros((0, schema.size)), nobody)

    @classmethod
    def of(
        cls, schema: FactSchema, users: np.ndarray, facts: Mapping[str, np.ndarray]
    ) -> "SeenFacts":
        """From descriptors [B, m], and facts by name, each [B]; the latitude tells the place."""
        counts = {}
        for columns in schema.columns:
            values = facts[LATITUDE.name if columns.fact == PLACE else columns.fact]
            known = values != b"" if values.dtype == object else np.isfinite(values)
            counts[columns.fact] = {"known": int(known.sum())}
            if columns.fact in schema.values:
                kept = users[:, columns.start : columns.stop].any(axis=1)
                counts[columns.fact]["not_kept"] = int((known & ~kept).sum())
        return cls(
            np.fmin.reduce(users, axis=0, initial=np.inf).tolist(),
            np.fmax.reduce(users, axis=0, initial=-np.inf).tolist(),
            counts,
        )

    def add(self, other: "SeenFacts") -> None:
        """Takes in what was seen of other users."""
        self.lowest = list(map(min, self.lowest, other.lowest))
        self.highest = list(map(max, self.highest, other.highest))
        for fact, counts in other.counts.items():
            for name, count in counts.items():
                self.counts[fact][name] += count

    def to_manifest(self) -> dict[str, Any]:
        """The manifest's `varies` and `seen`."""
        varies = [low < high for low, high in zip(self.lowest, self.highest, strict=True)]
        return {"varies": varies, "seen": self.counts}
