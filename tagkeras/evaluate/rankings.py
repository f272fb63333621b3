"""One pass over a split: the ranking of each post by a model and by baselines, and what was hit."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from tagkeras.evaluate.baselines import Baseline
from tagkeras.evaluate.evaluation import MODEL, EvaluatedPosts
from tagkeras.evaluate.tag_metrics import CurveScores
from tagkeras.metrics import TagCounts, find_hits
from tagkeras.models import HashtagModel

SCHEMA = pa.schema(
    {
        "post_id": pa.string(),
        "hashtags": pa.list_(pa.string()),
        "scores": pa.list_(pa.float32()),
    }
)


class PredictionsWriter:
    """Writes `post_id`, `hashtags` (best first) and `scores` to Parquet, batch by batch.

    Args:
        path: of the file.
        tags: the vocabulary, in the order of ids.
    """

    def __init__(self, path: Path, tags: tuple[str, ...]) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA)
        self._tags = np.array(tags, dtype=object)

    def __enter__(self) -> "PredictionsWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, post_ids: list[str], ids: np.ndarray, scores: np.ndarray) -> None:
        """Adds a batch: ids int64 [B, k], scores float32 [B, k]."""
        columns = [post_ids, self._tags[ids].tolist(), scores.tolist()]
        arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Rankings:
    """The rankings of a split.

    Attributes:
        posts: with the hits of each ranking.
        predictions: for each ranking, int32 [N, k], ids, best first; -1 where there is none.
        tag_counts: of the model's predictions, for each k.
        curve_scores: of some tags on all posts.
    """

    posts: EvaluatedPosts
    predictions: Mapping[str, np.ndarray]
    tag_counts: Sequence[TagCounts]
    curve_scores: CurveScores


def rank_split(
    model: HashtagModel,
    batches: Iterable[Mapping[str, Any]],
    baselines: Sequence[Baseline],
    *,
    ks: Sequence[int],
    curve_scores: CurveScores,
    writer: PredictionsWriter,
    top_k: int,
    advance: Callable[[int], None],
) -> Rankings:
    """Ranks the posts of a split.

    Args:
        model: trained.
        batches: of the split, as `tagkeras.data.input.read_split` gives them.
        baselines: to rank the same posts by; they give as many tags as the largest of `ks`.
        ks: of the metrics, rising.
        curve_scores: takes the scores of the tags that curves are made of.
        writer: takes the model's predictions.
        top_k: predictions that are written.
        advance: called with how many more posts are done.
    """
    most = max(*ks, top_k)
    tag_counts = [TagCounts(model.num_tags, k) for k in ks]
    facts = _Facts()

    @tf.function(reduce_retracing=True)
    def rank(batch: Mapping[str, Any]) -> tuple[tf.Tensor, ...]:
        phi = model(batch)
        scores, ids = model.top_k(phi, most)
        rows = tf.gather(model.tag_table.value, curve_scores.tags)
        return scores, ids, tf.matmul(phi, rows, transpose_b=True)

    for batch in batches:
        scores, ids, scores_of_curves = (tensor.numpy() for tensor in rank(batch))
        predictions = {baseline.name: baseline.rank(batch) for baseline in baselines}
        predictions[MODEL] = ids[:, : max(ks)]
        facts.add(batch, predictions)
        for counts in tag_counts:
            counts.update_state(batch["tags"], ids)
        curve_scores.add(scores_of_curves, batch["tags"], batch["tags_removed"])
        writer.write(facts.post_ids[-len(ids) :], ids[:, :top_k], scores[:, :top_k])
        advance(len(ids))
    return Rankings(
        posts=facts.posts(),
        predictions={name: np.concatenate(parts) for name, parts in facts.predictions.items()},
        tag_counts=tag_counts,
        curve_scores=curve_scores,
    )


class _Facts:
    """What is kept of each post."""

    def __init__(self) -> None:
        self.post_ids: list[str] = []
        self.predictions: dict[str, list[np.ndarray]] = {}
        self._words: dict[str, list[str]] = {"user_id": [], "gender": [], "country": []}
        self._age: list[np.ndarray] = []
        self._location: list[np.ndarray] = []
        self._num_truth: list[np.ndarray] = []
        self._hits: dict[str, list[np.ndarray]] = {}

    def add(self, batch: Mapping[str, Any], predictions: Mapping[str, np.ndarray]) -> None:
        self.post_ids += _decode(batch["post_id"])
        for name, words in self._words.items():
            words += _decode(batch[name])
        self._age.append(batch["age"].numpy())
        self._location.append(batch["location"].numpy())
        self._num_truth.append((batch["tags"].row_lengths() + batch["out_of_vocabulary"]).numpy())
        for name, ids in predictions.items():
            hits = find_hits(tf.constant(ids, tf.int64), batch["tags"]).numpy()
            self._hits.setdefault(name, []).append(hits)
            self.predictions.setdefault(name, []).append(ids.astype(np.int32))

    def posts(self) -> EvaluatedPosts:
        return EvaluatedPosts(
            post_ids=self.post_ids,
            user_ids=self._words["user_id"],
            age=np.concatenate(self._age),
            gender=self._words["gender"],
            country=self._words["country"],
            location=np.concatenate(self._location),
            num_truth=np.concatenate(self._num_truth),
            hits={name: np.concatenate(parts) for name, parts in self._hits.items()},
        )


def _decode(texts: tf.Tensor) -> list[str]:
    return [text.decode() for text in texts.numpy()]
