"""Writes a small dataset folder by the record codec alone, without the pipeline."""

import dataclasses

import numpy as np
import tensorflow as tf

from tagkeras.data.manifest import Manifest
from tagkeras.data.records import PostRecord, encode
from tagkeras.data.vocabulary import Vocabulary

COUNTRIES = ("US", "GB", "CA", "AU", "NZ")
SIZE = 5 + len(COUNTRIES)


def write_dataset(
    path,
    posts=400,
    num_tags=20,
    n=12,
    seed=0,
    validation=60,
    test=60,
    shards=3,
    people=0,
    removed=0.0,
):
    """Posts whose tag depends on what the picture shows and on the user's country together.

    With `people`, each split is of so many users of each country, of some age and gender or of
    none; otherwise all posts are of one user who says nothing. `removed` is the share of tags that
    balancing took off.
    """
    rng = np.random.default_rng(seed)
    sizes = {"train": posts, "validation": validation, "test": test}
    drawn = {
        split: [draw_post(rng, f"{split}{row}", num_tags, n) for row in range(size)]
        for split, size in sizes.items()
    }
    if people:
        drawn = {split: give_users(records, split, people) for split, records in drawn.items()}
    if removed:
        drawn = {
            split: take_off(records, removed, split == "train") for split, records in drawn.items()
        }
    counts = np.bincount(
        [tag for record in drawn["train"] for tag in record.tags], minlength=num_tags
    )
    by_count = np.argsort(-counts, kind="stable")
    id_of = np.argsort(by_count)
    splits = {}
    for split, records in drawn.items():
        (path / split).mkdir(parents=True)
        num_shards = min(shards, len(records))
        for shard in range(num_shards):
            name = f"{split}-{shard:05d}-of-{num_shards:05d}.tfrecord"
            with tf.io.TFRecordWriter(str(path / split / name)) as writer:
                for record in records[shard::num_shards]:
                    ids = sorted(int(id_of[tag]) for tag in record.tags)
                    writer.write(encode(dataclasses.replace(record, tags=ids), "float16"))
        pairs = sum(len(record.tags) for record in records)
        splits[split] = {"posts": len(records), "shards": num_shards, "tag_pairs": pairs}
    tags = tuple(f"tag{tag}" for tag in by_count)
    Vocabulary(tags, counts[by_count]).save(path / "vocabulary.tsv")
    Manifest(
        descriptor_size=n,
        descriptor_dtype="float16",
        num_tags=num_tags,
        splits=splits,
        user_descriptor={"countries": list(COUNTRIES), "location_decimals": 1, "size": SIZE},
        distribution={"name": "balanced" if removed else "natural"},
    ).save(path)
    return path


def draw_post(rng, post_id, num_tags, n):
    concept, country = rng.integers(n // 2), rng.integers(len(COUNTRIES))
    descriptor = np.maximum(rng.normal(scale=0.1, size=n), 0)
    descriptor[concept] += 1
    user = np.full(SIZE, 0.5, np.float32)
    user[1:7] = 0
    user[2 + country] = 1
    first = (concept * 3 + country) % num_tags
    tags = {int(first), int(rng.integers(num_tags))} if num_tags > 1 else {0}
    return PostRecord(
        post_id=post_id.encode(),
        user_id=b"0" * 64,
        descriptor=descriptor,
        user_descriptor=user,
        facts={"country": COUNTRIES[country].encode()},
        tags=sorted(tags),
        out_of_vocabulary=int(rng.integers(2)),
    )


def give_users(records, split, people):
    """The posts of a country go to so many users; the first one does not tell the country."""
    rng = np.random.default_rng(people)
    users = {
        country: [
            {
                "user_id": f"{split}-{country}-{number}".encode(),
                "facts": {
                    "country": country.encode() if number else b"",
                    "age": float(rng.choice([np.nan, 17, 18, 24.5, 25, 40, 70])),
                    "gender": bytes(rng.choice([b"", b"female", b"male", b"other"])),
                },
                "location": ((51.5, -0.1), (np.nan, np.nan))[number % 2],
            }
            for number in range(people)
        ]
        for country in COUNTRIES
    }
    return [
        dataclasses.replace(r, **users[r.facts["country"].decode()][rng.integers(people)])
        for r in records
    ]


def take_off(records, share, keep_one):
    """Takes tags off posts as balancing does; some hashtag, known or unknown, is left."""
    rng = np.random.default_rng(0)
    thinned = []
    for record in records:
        gone = {tag for tag in record.tags if rng.random() < share}
        if len(gone) == len(record.tags) and (keep_one or not record.out_of_vocabulary):
            gone.pop()
        kept = [tag for tag in record.tags if tag not in gone]
        thinned.append(dataclasses.replace(record, tags=kept, tags_removed=sorted(gone)))
    return thinned
