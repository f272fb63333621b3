"""What `tagkeras.evaluate` wrote, read again."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tagkeras.cli.errors import UserError
from tagkeras.evaluate import evaluated_posts
from tagkeras.evaluate.evaluated_posts import EvaluatedPosts

METRICS, PREDICTIONS, TAGS = "metrics.json", "predictions.parquet", "tags.parquet"
POSTS = evaluated_posts.FILE_NAME
# How the model itself is called among the ways to rank.
MODEL = "model"
_AGAIN = "run python -m tagkeras.evaluate again"
_NEEDED = ("dataset", "ks", "num_posts", "split", "workdir", "intervals", "groups")


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """A folder of `tagkeras.evaluate`.

    Attributes:
        path: of the folder.
        metrics: content of `metrics.json`.
    """

    path: Path
    metrics: dict[str, Any]

    @classmethod
    def load(cls, path: str | Path) -> "Evaluation":
        """Reads `metrics.json`; the other files are read when they are asked for.

        Raises:
            UserError: the folder is none of `tagkeras.evaluate`, or the file is damaged.
        """
        path = Path(path)
        try:
            metrics = json.loads((path / METRICS).read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(
                f"{path} is no folder of tagkeras.evaluate: {METRICS}: {error.strerror}"
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
        """The posts, and which predictions were right.

        Raises:
            UserError: the file is missing or damaged, or of other posts than `metrics`.
        """
        path = self.path / POSTS
        posts = EvaluatedPosts.load(path)
        if MODEL not in posts.hits:
            raise UserError(f"{path} has no column {MODEL}: {_AGAIN}")
        if len(posts) != self.metrics["num_posts"]:
            raise UserError(
                f"{path} has {len(posts):,} posts, {METRICS} is of"
                f" {self.metrics['num_posts']:,}: {_AGAIN}"
            )
        return posts

    @functools.cached_property
    def tags(self) -> pa.Table:
        """A row for each tag, in the order of ids; see `tagkeras.evaluate.tag_table`.

        Raises:
            UserError: the file is missing or damaged.
        """
        return _read_table(self.path / TAGS)

    @functools.cached_property
    def predictions(self) -> pa.Table:
        """`post_id`, `hashtags` (best first) and `scores` of the posts.

        Raises:
            UserError: the file is missing or damaged.
        """
        return _read_table(self.path / PREDICTIONS)


def _read_table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read ({reason}): {_AGAIN}") from error
