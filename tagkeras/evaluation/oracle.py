"""Oracles: the best hashtags of each post by the world that the posts were drawn from."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tagkeras.data.vocabulary import Vocabulary
from tagkeras.errors import UserError

# Column of the file -> what its reader knows.
COLUMNS = {
    "image_hashtags": "oracle_image_only",
    "user_hashtags": "oracle_user_only",
    "hashtags": "oracle",
}


class Oracle:
    """The lists of an oracle file, as tag ids.

    Args:
        path: Parquet file with `post_id`, `hashtags` and optionally `image_hashtags` and
            `user_hashtags`: lists of strings, best first.
        vocabulary: of the dataset; a hashtag outside it can not be hit.
        k: how many hashtags of each list count.

    Raises:
        UserError: the file is missing or lacks a column.
    """

    def __init__(self, path: Path, vocabulary: Vocabulary, k: int) -> None:
        if not path.is_file():
            raise UserError(f"--oracle={path}: no such file")
        self._path = path
        table = pq.read_table(path)
        missing = {"post_id", "hashtags"} - set(table.column_names)
        if missing:
            raise UserError(f"--oracle={path} has no column {min(missing)}")
        post_ids = table.column("post_id").to_pylist()
        self._row_of_post = {post_id: row for row, post_id in enumerate(post_ids)}
        self._ids = {}
        for column, name in COLUMNS.items():
            if column in table.column_names:
                ids = np.full((len(post_ids), k), -1, np.int64)
                for row, hashtags in enumerate(table.column(column).to_pylist()):
                    best = [vocabulary.ids.get(hashtag, -1) for hashtag in hashtags[:k]]
                    ids[row, : len(best)] = best
                self._ids[name] = ids

    @property
    def names(self) -> list[str]:
        """What the readers know, from the one that knows least."""
        return list(self._ids)

    def predictions(self, name: str, post_ids: list[str]) -> np.ndarray:
        """The ids that an oracle gives to some posts, int64 [posts, k]; -1 where there is none.

        Raises:
            UserError: the file has no line for a post.
        """
        try:
            rows = [self._row_of_post[post_id] for post_id in post_ids]
        except KeyError as error:
            raise UserError(
                f"--oracle={self._path} has no post {error.args[0]}: give the file of these posts"
            ) from error
        return self._ids[name][rows]
