"""A small world whose hashtags follow from what a picture shows, with and without one of them."""

import json

import numpy as np
import tensorflow as tf
from training_runs import make_config, parse_flags

from tagkeras.add_tags.config import Config
from tagkeras.data.facts import FactSchema, to_columns
from tagkeras.data.manifest import Manifest
from tagkeras.data.records import PostRecord, encode
from tagkeras.data.user import User
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.layers import UserDescriptor
from tagkeras.train import train

N, CONCEPTS, TAGS_PER_CONCEPT = 16, 12, 3
COUNTRIES = ("US", "GB", "CA", "AU", "NZ")
HELD_OUT = "concept3tag0"


def draw_posts(rng, count, prefix, is_local=False):
    """Posts as people hand them in: two of their concept's three tags, and often their country.

    Where `is_local`, one of the three, and often one that the concept has in that country alone.
    """
    posts = []
    for row in range(count):
        concept, country = int(rng.integers(CONCEPTS)), str(rng.choice(COUNTRIES))
        descriptor = rng.normal(scale=0.15, size=N)
        descriptor[concept] += 1
        tags = rng.choice(TAGS_PER_CONCEPT, 2 - is_local, replace=False, p=[0.5, 0.3, 0.2])
        hashtags = [f"concept{concept}tag{tag}" for tag in tags]
        if rng.random() < (0.8 if is_local else 0.3):
            hashtags.append(f"concept{concept}" * is_local + f"in{country.lower()}")
        post = {"post_id": f"{prefix}{row}", "user_id": "u", "country": country}
        posts.append({**post, "descriptor": descriptor.round(3).tolist(), "hashtags": hashtags})
    return posts


def write_dataset(path, splits, held_out=()):
    """The dataset of posts by split, without some of their hashtags."""
    counts = {}
    for post in splits["train"]:
        for tag in post["hashtags"]:
            if tag not in held_out:
                counts[tag] = counts.get(tag, 0) + 1
    vocabulary = Vocabulary.from_counts(counts)
    sizes = {}
    for split, posts in splits.items():
        (path / split).mkdir(parents=True)
        name = f"{split}-00000-of-00001.tfrecord"
        with tf.io.TFRecordWriter(str(path / split / name)) as writer:
            for post, user in zip(posts, describe_users(posts), strict=True):
                ids = [vocabulary.ids[t] for t in post["hashtags"] if t in vocabulary.ids]
                record = PostRecord(
                    post_id=post["post_id"].encode(),
                    user_id=b"0" * 64,
                    descriptor=np.array(post["descriptor"]),
                    user_descriptor=user,
                    facts={"country": post["country"].encode()},
                    tags=sorted(ids),
                    out_of_vocabulary=len(post["hashtags"]) - len(ids),
                )
                writer.write(encode(record, "float32"))
        sizes[split] = {"posts": len(posts), "shards": 1}
    vocabulary.save(path / "vocabulary.tsv")
    Manifest(
        descriptor_size=N,
        descriptor_dtype="float32",
        num_tags=len(vocabulary),
        splits=sizes,
        user_descriptor={"countries": list(COUNTRIES), "location_decimals": 1, "size": 10},
    ).save(path)
    return path


def describe_users(posts):
    users = to_columns(User(country=post["country"]) for post in posts)
    return UserDescriptor(FactSchema(COUNTRIES))(users).numpy()


def run_training(dataset, workdir, **options):
    return train.train(make_config(dataset, workdir, **options))


def write_lines(path, posts):
    path.write_text("".join(json.dumps(post) + "\n" for post in posts))
    return path


def add_tags_config(world, output, **options):
    options = {"workdir": world.run.path, "data": world.part, "posts": world.posts, **options}
    return parse_flags(Config, output=output, **options)
