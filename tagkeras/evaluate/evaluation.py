"""The folder that `tagkeras.evaluate` writes: its metrics, and its posts with what was hit."""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FACTS
from tagkeras.metrics import AccuracyAtK, MRRAtK, NDCGAtK, PrecisionAtK, RecallAtK

METRICS, PREDICTIONS = "metrics.json", "predictions.parquet"
POSTS, TAGS = "posts.parquet", "tags.parquet"
# How the model itself is called among the rankings.
MODEL = "model"
# And its ranking, had nobody told it a fact.
WITHOUT_FACTS = "without_facts"
_AGAIN = "run python -m tagkeras.evaluate again"
_NEEDED = ("dataset", "ks", "num_posts", "split", "workdir", "intervals", "groups")
_NO_FACTS = ("post_id", "user_id", "num_truth")
_COLUMNS = (*_NO_FACTS, *(fact.name for fact in FACTS), MODEL)
_SCORES = (PrecisionAtK, RecallAtK, AccuracyAtK, NDCGAtK, MRRAtK)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class EvaluatedPosts:
    """N posts in the order of the split; ids of users are keyed hashes.

    Attributes:
        facts: of the users by name: float32 [N], NaN if unknown, or objects of type `str` [N],
            empty if unknown.
        num_truth: int64 [N], how many hashtags each post has, unknown ones included.
        hits: for each ranking, bool [N, k]: whether each prediction, best first, is right.
    """

    post_ids: list[str]
    user_ids: list[str]
    facts: Mapping[str, np.ndarray]
    num_truth: np.ndarray
    hits: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.post_ids)

    @functools.cached_property
    def users(self) -> np.ndarray:
        """int64 [N]: the user of each post, numbered from 0 in the order of their ids."""
        return np.unique(np.array(self.user_ids), return_inverse=True)[1]

    def scores(self, ranking: str, ks: Sequence[int]) -> dict[str, np.ndarray]:
        """P@k, R@k, A@k, nDCG@k and MRR@k of each post, by one of the rankings of `hits`.

        float64 [N] by name, such as `R@10`; fractions in [0, 1].
        """
        hits, num_truth = tf.constant(self.hits[ranking]), tf.constant(self.num_truth)
        metrics = [metric(k) for metric in _SCORES for k in ks]
        return {
            metric.name: metric.score_posts(hits, num_truth).numpy().astype(np.float64)
            for metric in metrics
        }

    def save(self, path: Path) -> None:
        """Writes `posts.parquet`."""
        columns: dict[str, Any] = {
            "post_id": self.post_ids,
            "user_id": self.user_ids,
            "num_truth": pa.array(self.num_truth, pa.int64()),
        }
        for name, values in self.facts.items():
            kind = pa.string() if values.dtype == object else pa.float32()
            columns[name] = pa.array(values, kind, from_pandas=True)
        for name, hits in self.hits.items():
            flat = pa.array(hits.ravel(), pa.bool_())
            columns[name] = pa.FixedSizeListArray.from_arrays(flat, hits.shape[1])
        pq.write_table(pa.table(columns), path)

    @classmethod
    def load(cls, path: Path) -> "EvaluatedPosts":
        """Reads `posts.parquet`.

        Raises:
            UserError: it is missing or damaged, or not a file of `save`.
        """
        table = _read_table(path)
        if missing := set(_COLUMNS) - set(table.column_names):
            raise UserError(f"{path} has no column {min(missing)}: {_AGAIN}")
        facts, hits = {}, {}
        for name in table.column_names:
            column = table.column(name)
            if pa.types.is_fixed_size_list(column.type):
                flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
                hits[name] = flat.reshape(len(table), -1)
            elif name not in _NO_FACTS:
                is_text = pa.types.is_string(column.type)
                facts[name] = column.to_numpy().astype(object if is_text else np.float32)
        return cls(
            post_ids=table.column("post_id").to_pylist(),
            user_ids=table.column("user_id").to_pylist(),
            facts=facts,
            num_truth=table.column("num_truth").to_numpy(),
            hits=hits,
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """The folder of an evaluation of one model, and of baselines beside it: its `metrics.json`."""

    path: Path
    metrics: dict[str, Any]

    @classmethod
    def load(cls, path: str | Path) -> "Evaluation":
        """Reads `metrics.json`; the other files are read, and may be refused, when asked for.

        Raises:
            UserError: the folder was not written by `tagkeras.evaluate`, or the file is damaged.
        """
        path = Path(path)
        try:
            metrics = json.loads((path / METRICS).read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(
                f"{path} was not written by tagkeras.evaluate: {METRICS}: {error.strerror}"
            ) from error
        except ValueError as error:
            raise UserError(f"{path / METRICS} is damaged ({error}): {_AGAIN}") from error
        for name in _NEEDED:
            if not isinstance(metrics, dict) or name not in metrics:
                raise UserError(f"{path / METRICS} has no {name!r}: {_AGAIN}")
        dataset = metrics["dataset"]
        if not isinstance(dataset, dict) or "fingerprint" not in dataset:
            raise UserError(f"{path / METRICS} has no fingerprint of its dataset: {_AGAIN}")
        return cls(path, metrics)

    @functools.cached_property
    def posts(self) -> EvaluatedPosts:
        """The posts, as many as `metrics` counts, and which predictions were right."""
        path = self.path / POSTS
        posts = EvaluatedPosts.load(path)
        if len(posts) != self.metrics["num_posts"]:
            raise UserError(
                f"{path} has {len(posts):,} posts, {METRICS} counts"
                f" {self.metrics['num_posts']:,}: {_AGAIN}"
            )
        return posts

    @functools.cached_property
    def tags(self) -> pa.Table:
        """A row for each tag, as `tagkeras.evaluate.tag_metrics.tag_table` makes them."""
        return _read_table(self.path / TAGS)

    @functools.cached_property
    def predictions(self) -> pa.Table:
        """`post_id`, `hashtags` (best first) and `scores` of the posts."""
        return _read_table(self.path / PREDICTIONS)


def _read_table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read ({reason}): {_AGAIN}") from error
