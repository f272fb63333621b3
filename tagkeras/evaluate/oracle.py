"""Oracles: the best hashtags of each post by the world that the posts were drawn from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tagkeras.cli.errors import UserError
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate.baselines import Baseline

# Column of the file -> what its reader knows, from the one that knows least.
COLUMNS = {
    "image_hashtags": "oracle_image_only",
    "user_hashtags": "oracle_user_only",
    "hashtags": "oracle",
}


class Oracle(Baseline):
    """The lists of one reader of an oracle file.

    Args:
        name: what the reader knows.
        ids: int64 [posts, k], tag ids, best first; -1 for hashtags outside the vocabulary.
        row_of_post: the row of each post.
        path: of the file.
    """

    def __init__(
        self, name: str, ids: np.ndarray, row_of_post: Mapping[str, int], path: Path
    ) -> None:
        self.name = name
        self._ids = ids
        self._row_of_post = row_of_post
        self._path = path

    def rank(self, batch: Mapping[str, Any]) -> np.ndarray:
        """The lists of the file.

        Raises:
            UserError: the file has no line for a post.
        """
        try:
            rows = [self._row_of_post[post_id.decode()] for post_id in batch["post_id"].numpy()]
        except KeyError as error:
            raise UserError(
                f"--oracle={self._path} has no post {error.args[0]}: give the file of these posts"
            ) from error
        return self._ids[rows]


def read_oracles(path: Path, vocabulary: Vocabulary, k: int) -> list[Oracle]:
    """Reads the oracles of a file.

    Args:
        path: Parquet file with `post_id`, `hashtags` and optionally `image_hashtags` and
            `user_hashtags`: lists of strings, best first.
        vocabulary: of the dataset; a hashtag outside it can not be hit.
        k: how many hashtags of each list count.

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
    post_ids = _read_column(path, table, "post_id", pa.string(), "strings")
    row_of_post = {post_id: row for row, post_id in enumerate(post_ids)}
    if len(row_of_post) < len(post_ids):
        twice = next(post for row, post in enumerate(post_ids) if row_of_post[post] != row)
        raise UserError(f"--oracle={path} has post {twice} twice")
    oracles = []
    for column, name in COLUMNS.items():
        if column not in table.column_names:
            continue
        lists = _read_column(path, table, column, pa.list_(pa.string()), "lists of strings")
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
        oracles.append(Oracle(name, ids, row_of_post, path))
    return oracles


def _read_column(path: Path, table: pa.Table, name: str, kind: pa.DataType, what: str) -> list[Any]:
    column = table.column(name)
    is_text = pa.types.is_string, pa.types.is_large_string
    value_type = column.type
    for _ in range(str(kind).count("list")):
        value_type = getattr(value_type, "value_type", None)
    if not any(check(value_type) for check in is_text if value_type is not None):
        raise UserError(f"--oracle={path}: column {name} is {column.type}, not {what}")
    return list(column.to_pylist())
