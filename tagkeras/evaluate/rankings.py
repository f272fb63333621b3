"""One pass over a split: the ranking of each post by a model and by baselines, and what was hit."""

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from tagkeras.data.facts import Fact
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate.baselines import Ranker
from tagkeras.evaluate.evaluation import MODEL, WITHOUT_FACTS, EvaluatedPosts
from tagkeras.evaluate.tag_metrics import CurveScores
from tagkeras.metrics import TagCounts, find_hits
from tagkeras.models import HashtagModel

SCHEMA = pa.schema(
    {"post_id": pa.string(), "hashtags": pa.list_(pa.string()), "scores": pa.list_(pa.float32())}
)


def rank_split(
    model: HashtagModel,
    batches: Iterable[Mapping[str, Any]],
    baselines: Mapping[str, Ranker],
    *,
    unknown: Sequence[float] | None,
    tag_counts: Sequence[TagCounts],
    curve_scores: CurveScores,
    vocabulary: Vocabulary,
    output: Path,
    top_k: int,
    advance: Callable[[int], None],
    facts: Sequence[Fact],
) -> tuple[EvaluatedPosts, dict[str, np.ndarray]]:
    """Ranks the posts of a split, and writes `post_id`, `hashtags` (best first) and `scores`.

    The batches are those of `tagkeras.data.input.read_split`. Baselines rank as many tags as the
    largest k of the metrics; `top_k` predictions are written. If `unknown` is the user descriptor
    of one of whom nothing is told, posts are ranked as for such users as well. `tag_counts` and
    `curve_scores` take what the model predicts, and `advance` how many more posts are done.
    `facts` are the dataset's.

    Gives the posts with the hits of each ranking, and the rankings by name: int32 [N, k] for the
    largest k, tag ids, best first; -1 where there is none.
    """
    k = max(counts.k for counts in tag_counts)
    tags = np.array(vocabulary.tags, object)
    columns, hits, predictions = (collections.defaultdict[str, list[Any]](list) for _ in range(3))

    @tf.function(reduce_retracing=True)
    def rank_by_model(batch: Mapping[str, Any]) -> tuple[Any, ...]:
        phi = model(batch)
        scores, ids = model.top_k(phi, max(k, top_k))
        rankings = {MODEL: ids[:, :k]}
        if unknown is not None:
            users = tf.tile(tf.constant([unknown], tf.float32), [tf.shape(phi)[0], 1])
            alone = model({"descriptor": batch["descriptor"], "user_descriptor": users})
            rankings[WITHOUT_FACTS] = model.top_k(alone, k)[1]
        rows = tf.gather(model.tag_table.value, curve_scores.tags)
        return scores, ids, tf.matmul(phi, rows, transpose_b=True), rankings

    with pq.ParquetWriter(output, SCHEMA) as writer:
        for batch in batches:
            *found, by_model = rank_by_model(batch)
            scores, ids, scores_of_curves = (tensor.numpy() for tensor in found)
            rankings = {name: rank(batch) for name, rank in baselines.items()}
            rankings |= {name: best.numpy() for name, best in by_model.items()}
            for name, best in rankings.items():
                predictions[name].append(best.astype(np.int32))
                hits[name].append(find_hits(tf.constant(best, tf.int64), batch["tags"]).numpy())
            told = {**batch, "num_truth": batch["tags"].row_lengths() + batch["out_of_vocabulary"]}
            told["latitude"], told["longitude"] = tf.unstack(batch["location"], axis=1)
            for name in ("post_id", "user_id", "num_truth", *(fact.name for fact in facts)):
                columns[name].append(told[name].numpy())
            for counts in tag_counts:
                counts.update_state(batch["tags"], ids)
            curve_scores.add(scores_of_curves, batch["tags"], batch["tags_removed"])
            written = (columns["post_id"][-1], tags[ids[:, :top_k]], scores[:, :top_k])
            arrays = [pa.array(c.tolist(), f.type) for c, f in zip(written, SCHEMA, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
            advance(len(ids))
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    for name, values in joined.items():
        if values.dtype == object:
            joined[name] = np.array([text.decode() for text in values], object)
    posts = EvaluatedPosts(
        post_ids=joined["post_id"].tolist(),
        user_ids=joined["user_id"].tolist(),
        facts={fact.name: joined[fact.name] for fact in facts},
        num_truth=joined["num_truth"],
        hits={name: np.concatenate(parts) for name, parts in hits.items()},
    )
    return posts, {name: np.concatenate(parts) for name, parts in predictions.items()}
