"""Oracles: the best hashtags of each post by the world that the posts were drawn from."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tagkeras.cli.errors import UserError
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate.baselines import Ranker

# Column of the file -> what its reader knows, from the one that knows least.
COLUMNS = {
    "image_hashtags": "oracle_image_only",
    "user_hashtags": "oracle_user_only",
    "hashtags": "oracle",
}


def read_oracles(path: Path, vocabulary: Vocabulary, k: int) -> dict[str, Ranker]:
    """Reads the oracles of a Parquet file, by what they know.

    It has `post_id`, `hashtags` and optionally `image_hashtags` and `user_hashtags`: lists of
    strings, best first, of which k count. A hashtag outside the vocabulary cannot be hit. Rankers
    raise `UserError` for a post that the file does not have.

    Raises:
        UserError: the file is missing, is no Parquet, lacks a column, or has shorter lists.
    """
    if not path.is_file():
        raise UserError(f"--oracle={path}: no such file")
    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise UserError(f"--oracle={path} is no Parquet file that can be read") from error
    if missing := {"post_id", "hashtags"} - set(table.column_names):
        raise UserError(f"--oracle={path} has no column {min(missing)}")
    _check_text(path, table, "post_id", is_list=False)
    post_ids = table.column("post_id").to_pylist()
    row_of_post = {post_id: row for row, post_id in enumerate(post_ids)}
    if len(row_of_post) < len(post_ids):
        twice = next(post for row, post in enumerate(post_ids) if row_of_post[post] != row)
        raise UserError(f"--oracle={path} has post {twice} twice")
    oracles: dict[str, Ranker] = {}
    for column, name in COLUMNS.items():
        if column not in table.column_names:
            continue
        _check_text(path, table, column, is_list=True)
        lists = table.column(column).to_pylist()
        if None in lists:
            raise UserError(
                f"--oracle={path} has no {column} for post {post_ids[lists.index(None)]}"
            )
        longest = max(map(len, lists), default=0)
        if longest < k:
            raise UserError(
                f"--oracle={path} lists {longest} hashtags for a post, metrics are of {k}:"
                " lower --ks, or leave the oracle out"
            )
        ids = np.full((len(lists), k), -1, np.int64)
        for row, hashtags in enumerate(lists):
            best = [vocabulary.ids.get(hashtag, -1) for hashtag in hashtags[:k]]
            ids[row, : len(best)] = best
        oracles[name] = functools.partial(_look_up, ids=ids, row_of_post=row_of_post, path=path)
    return oracles


def _look_up(
    batch: Mapping[str, Any], ids: np.ndarray, row_of_post: Mapping[str, int], path: Path
) -> np.ndarray:
    try:
        rows = [row_of_post[post_id.decode()] for post_id in batch["post_id"].numpy()]
    except KeyError as error:
        raise UserError(
            f"--oracle={path} has no post {error.args[0]}: give the file of these posts"
        ) from error
    return ids[rows]


def _check_text(path: Path, table: pa.Table, name: str, *, is_list: bool) -> None:
    kind = table.column(name).type
    value_type = getattr(kind, "value_type", None) if is_list else kind
    if value_type not in (pa.string(), pa.large_string()):
        what = "lists of strings" if is_list else "strings"
        raise UserError(f"--oracle={path}: column {name} is {kind}, not {what}")
