"""The world as files: pictures, posts, labels, kinds of hashtags and oracles."""

import concurrent.futures
import dataclasses
import json
import multiprocessing
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tagkeras.cli.progress import progress
from tagkeras.synthetic.drawing.picture import draw_jpeg
from tagkeras.synthetic.posts import IMAGES_PER_SHARD, Post, image_path
from tagkeras.synthetic.world import Picture, World

# Hashtags of an oracle.
TOP_K = 10

# Posts in one row group of Parquet; images that a process draws in one go.
_ROWS_PER_GROUP = 5000
_IMAGES_PER_TASK = 100


def write_posts(folder: Path, posts: Sequence[Post]) -> None:
    """Writes `posts.jsonl`, which `beam.preprocess` reads."""
    with (folder / "posts.jsonl").open("w", encoding="utf-8") as file:
        for post in posts:
            record = {
                "post_id": post.post_id,
                "user_id": post.user_id,
                "image": post.image,
                "hashtags": post.hashtags,
                **dataclasses.asdict(post.profile),
            }
            file.write(json.dumps(record) + "\n")


def write_concepts(folder: Path, world: World, pictures: Sequence[Picture]) -> None:
    """Writes `concepts.jsonl`, what each image shows: labels to train a CNN with."""
    with (folder / "concepts.jsonl").open("w", encoding="utf-8") as file:
        for index, picture in enumerate(pictures):
            record = {"image": image_path(index), "concepts": _names(world, picture)}
            file.write(json.dumps(record) + "\n")


def write_hashtags(folder: Path, world: World) -> None:
    """Writes `hashtags.tsv`: each hashtag, a tab, and its kind in `World.hashtag_kinds`.

    Hashtags are in alphabetical order; in a small world, some may be on no post.
    """
    lines = [f"{hashtag}\t{kind}\n" for hashtag, kind in world.hashtag_kinds.items()]
    (folder / "hashtags.tsv").write_text("".join(lines), encoding="utf-8")


def write_oracles(folder: Path, world: World, posts: Sequence[Post]) -> None:
    """Writes `oracle.parquet`: the most probable hashtags of each post, best first.

    `hashtags` and `probabilities` are given picture and profile, `image_...` given the picture
    alone, `user_...` given the profile alone.
    """
    tables: dict[str, pa.DataType] = {"post_id": pa.string()}
    for reader in ("", "image_", "user_"):
        tables[f"{reader}hashtags"] = pa.list_(pa.string())
        tables[f"{reader}probabilities"] = pa.list_(pa.float32())
    schema = pa.schema(list(tables.items()))
    with (
        pq.ParquetWriter(folder / "oracle.parquet", schema) as writer,
        progress("oracles", len(posts), "posts") as advance,
    ):
        for start in range(0, len(posts), _ROWS_PER_GROUP):
            rows = []
            for post in posts[start : start + _ROWS_PER_GROUP]:
                rows.append(_oracle_row(world, post))
                advance(1)
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _oracle_row(world: World, post: Post) -> dict[str, Any]:
    row: dict[str, Any] = {"post_id": post.post_id}
    for reader, probabilities in (
        ("", world.given_both(post.picture, post.profile)),
        ("image_", world.given_picture(post.picture)),
        ("user_", world.given_user(post.profile)),
    ):
        best = np.argsort(-probabilities, kind="stable")[:TOP_K]
        row[f"{reader}hashtags"] = [world.hashtags[column] for column in best]
        row[f"{reader}probabilities"] = probabilities[best]
    return row


def write_images(
    folder: Path, world: World, pictures: Sequence[Picture], *, seed: int, workers: int
) -> None:
    """Draws pictures, the same ones whatever the number of processes.

    Raises:
        OSError: a file cannot be written.
    """
    for first in range(0, len(pictures), IMAGES_PER_SHARD):
        (folder / image_path(first)).parent.mkdir(parents=True)
    jobs = [
        (str(folder / image_path(index)), _names(world, picture), f"{seed}-{index}")
        for index, picture in enumerate(pictures)
    ]
    tasks = [jobs[i : i + _IMAGES_PER_TASK] for i in range(0, len(jobs), _IMAGES_PER_TASK)]
    with progress("drawing", len(jobs), "images") as advance:
        if workers == 1 or len(tasks) == 1:
            for task in tasks:
                advance(_draw(task))
            return
        # Not forked: this process has threads.
        with concurrent.futures.ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), _ignore_interrupts
        ) as pool:
            try:
                for done in pool.map(_draw, tasks):
                    advance(done)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _draw(jobs: Sequence[tuple[str, tuple[str, ...], str]]) -> int:
    for path, things, seed in jobs:
        Path(path).write_bytes(draw_jpeg(things, random.Random(seed)))
    return len(jobs)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _names(world: World, picture: Picture) -> tuple[str, ...]:
    return tuple(world.things[thing] for thing in picture)
