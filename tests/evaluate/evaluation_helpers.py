"""Posts read without the project's codec, and evaluations written without its command."""

import json
import types

import numpy as np
import tensorflow as tf

from tagkeras.cli import commandline
from tagkeras.data.facts import FACTS
from tagkeras.evaluate import evaluate
from tagkeras.evaluate.evaluation import EvaluatedPosts, Evaluation

KS = (1, 3, 6)
NUM_TAGS = 20
EVALUATION_FILES = {"metrics.json", "posts.parquet", "predictions.parquet", "tags.parquet"}
FINGERPRINT = "0123456789abcdef"


def evaluation(workdir, dataset, output, **options):
    """The config of tagkeras.evaluate."""
    flags = [f"--{name}={value}" for name, value in options.items()]
    paths = [f"--workdir={workdir.path}", f"--data={dataset}", f"--output={output}"]
    return commandline.parse(evaluate.Config, [*paths, *flags])


def read_posts(dataset, split):
    """The posts of a split by tf.Example alone, in the order of the shards."""
    posts = []
    for shard in sorted((dataset / split).iterdir()):
        for record in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            text = {
                name: feature[name].bytes_list.value[0].decode()
                for name in ("post_id", "user_id", "user/gender", "user/country")
            }
            truth = set(feature["tags"].int64_list.value)
            unknown = feature["tags/out_of_vocabulary"].int64_list.value[0]
            raw = feature["image/descriptor"].bytes_list.value[0]
            posts.append(
                types.SimpleNamespace(
                    post_id=text["post_id"],
                    user_id=text["user_id"],
                    gender=text["user/gender"],
                    country=text["user/country"],
                    age=feature["user/age"].float_list.value[0],
                    location=list(feature["user/location"].float_list.value),
                    descriptor=np.frombuffer(raw, np.float16).astype(np.float64),
                    user=np.array(feature["user/descriptor"].float_list.value),
                    truth=truth,
                    removed=set(feature["tags/removed"].int64_list.value),
                    num_truth=len(truth) + unknown,
                )
            )
    return posts


def make_posts(hits, /, num_truth=None, users=None, **facts):
    """Posts of given hits of the model, by people who say nothing unless told otherwise."""
    hits = np.asarray(hits, bool)
    number = len(hits)
    users = np.arange(number) if users is None else users
    other_hits = facts.pop("hits", {})
    unknown = {fact.name: [fact.unknown] * number for fact in FACTS}
    return EvaluatedPosts(
        post_ids=[f"post{row}" for row in range(number)],
        user_ids=[f"user{user:06d}" for user in users],
        facts={
            name: np.array(values, object if isinstance(values[0], str) else np.float32)
            for name, values in {**unknown, **facts}.items()
        },
        num_truth=np.full(number, hits.shape[1]) if num_truth is None else num_truth,
        hits={"model": hits, **other_hits},
    )


def write_evaluation(folder, posts, **metrics):
    """A folder as tagkeras.evaluate writes it, as far as comparisons look at it."""
    folder.mkdir(parents=True)
    k = posts.hits["model"].shape[1]
    content = {
        "dataset": {"path": "data", "fingerprint": FINGERPRINT, "distribution": "natural"},
        "ks": [k],
        "num_posts": len(posts),
        "split": "test",
        "workdir": "run",
        "intervals": {},
        "groups": {},
        **metrics,
    }
    (folder / "metrics.json").write_text(json.dumps(content))
    posts.save(folder / "posts.parquet")
    return Evaluation.load(folder)


def make_batch(tags, *, age=None, gender=None, country=None, descriptor=None):
    """A batch of posts whose people say nothing unless told otherwise."""
    number = len(tags)
    age = [np.nan] * number if age is None else age
    return {
        "post_id": tf.constant([str(row) for row in range(number)]),
        "age": tf.constant(age, tf.float32),
        "gender": tf.constant(gender or [""] * number),
        "country": tf.constant(country or [""] * number),
        "descriptor": tf.constant(np.ones((number, 2)) if descriptor is None else descriptor),
        "tags": tf.ragged.constant(tags, tf.int64, ragged_rank=1),
    }


def batches_of(batch, size):
    """The same posts in pieces."""
    number = len(batch["post_id"])
    for start in range(0, number, size):
        yield {name: values[start : start + size] for name, values in batch.items()}
