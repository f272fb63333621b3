"""Writes dataset folders of random posts, without the pipeline."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.cli.progress import progress
from tagkeras.data.manifest import Manifest
from tagkeras.data.records import PostRecord, encode
from tagkeras.data.vocabulary import Vocabulary

COUNTRIES = ("US", "GB", "CA", "AU", "NZ")
SHARDS = 16


def write_random_dataset(
    path: Path,
    *,
    posts: int,
    descriptor_size: int,
    tags: int,
    tags_per_post: int = 1,
    validation: int = 0,
    test: int = 0,
) -> Manifest:
    """Writes posts with float16 descriptors, in 16 shards a split, four posts a user.

    Args:
        path: folder to write to.
        posts: training posts.
        descriptor_size: n.
        tags: Y. Tags are drawn uniformly.
        tags_per_post: tags of each post.
        validation: validation posts.
        test: test posts.
    """
    rng = np.random.default_rng(0)
    splits = {}
    size = 5 + len(COUNTRIES)
    # A few descriptors serve all posts: drawing and not writing would take the time.
    descriptors = rng.normal(size=(256, descriptor_size)).astype(np.float16)
    for split, count in (("train", posts), ("validation", validation), ("test", test)):
        (path / split).mkdir(parents=True)
        shards = min(SHARDS, count)
        splits[split] = {"posts": count, "shards": shards, "tag_pairs": count * tags_per_post}
        if not count:
            continue
        drawn = rng.integers(tags // tags_per_post, size=(count, tags_per_post)) * tags_per_post
        drawn += np.arange(tags_per_post)
        users = rng.random(size=(count, size)).astype(np.float32)
        with progress(f"writing {split}", count, "posts") as advance:
            for shard in range(shards):
                name = f"{split}-{shard:05d}-of-{shards:05d}.tfrecord"
                rows = range(shard, count, shards)
                with tf.io.TFRecordWriter(str(path / split / name)) as writer:
                    for row in rows:
                        record = PostRecord(
                            post_id=f"{split}{row}".encode(),
                            user_id=f"{row // 4:064x}".encode(),
                            descriptor=descriptors[row % 256],
                            user_descriptor=users[row],
                            tags=drawn[row].tolist(),
                        )
                        writer.write(encode(record, "float16"))
                advance(len(rows))
    Vocabulary(tuple(f"tag{tag}" for tag in range(tags)), np.ones(tags, np.int64)).save(
        path / "vocabulary.tsv"
    )
    manifest = Manifest(
        descriptor_size=descriptor_size,
        descriptor_dtype="float16",
        num_tags=tags,
        splits=splits,
        user_descriptor={"countries": list(COUNTRIES), "location_decimals": 1, "size": size},
    )
    manifest.save(path)
    return manifest
