"""Posts read without the project's codec, and batches made without files."""

import types

import numpy as np
import tensorflow as tf
from training_runs import parse_flags

from tagkeras.evaluate.config import Config

KS = (1, 3, 6)
NUM_TAGS = 20
EVALUATION_FILES = {"metrics.json", "posts.parquet", "predictions.parquet", "tags.parquet"}


def evaluation(workdir, dataset, output, **options):
    """The config of tagkeras.evaluate."""
    paths = {"workdir": workdir.path, "data": dataset, "output": output}
    return parse_flags(Config, **paths, **options)


def read_posts(dataset, split):
    """The posts of a split by tf.Example alone, in the order of the shards."""
    posts = []
    for shard in sorted((dataset / split).iterdir()):
        for record in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            text = {n: f.bytes_list.value[0] for n, f in feature.items() if f.bytes_list.value}
            truth = set(feature["tags"].int64_list.value)
            unknown = feature["tags/out_of_vocabulary"].int64_list.value[0]
            raw = text["image/descriptor"]
            posts.append(
                types.SimpleNamespace(
                    post_id=text["post_id"].decode(),
                    user_id=text["user_id"].decode(),
                    gender=text["user/gender"].decode(),
                    country=text["user/country"].decode(),
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
