"""The posts of a split, and which of their predictions were right: `posts.parquet`."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tagkeras.cli.errors import UserError

FILE_NAME = "posts.parquet"
_FACTS = ("post_id", "user_id", "age", "gender", "country", "latitude", "longitude", "num_truth")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class EvaluatedPosts:
    """N posts in the order of the split.

    Attributes:
        post_ids: as in the dataset.
        user_ids: keyed hashes.
        age: float32 [N], years; NaN if unknown.
        gender: `female`, `male`, `other`, or empty if unknown.
        country: ISO 3166 alpha-2, or empty if unknown.
        location: float32 [N, 2], latitude and longitude in degrees; NaN if unknown.
        num_truth: int64 [N], how many hashtags each post has, unknown ones included.
        hits: for each way to rank, bool [N, k]: whether each prediction, best first, is right.
    """

    post_ids: list[str]
    user_ids: list[str]
    age: np.ndarray
    gender: list[str]
    country: list[str]
    location: np.ndarray
    num_truth: np.ndarray
    hits: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.post_ids)

    @functools.cached_property
    def users(self) -> np.ndarray:
        """int64 [N]: the user of each post, numbered from 0 in the order of their ids."""
        return np.unique(np.array(self.user_ids), return_inverse=True)[1]

    def save(self, path: Path) -> None:
        """Writes the file."""
        columns: dict[str, Any] = {
            "post_id": self.post_ids,
            "user_id": self.user_ids,
            "age": pa.array(self.age, pa.float32(), from_pandas=True),
            "gender": self.gender,
            "country": self.country,
            "latitude": pa.array(self.location[:, 0], pa.float32(), from_pandas=True),
            "longitude": pa.array(self.location[:, 1], pa.float32(), from_pandas=True),
            "num_truth": pa.array(self.num_truth, pa.int64()),
        }
        for name, hits in self.hits.items():
            flat = pa.array(hits.ravel(), pa.bool_())
            columns[name] = pa.FixedSizeListArray.from_arrays(flat, hits.shape[1])
        pq.write_table(pa.table(columns), path)

    @classmethod
    def load(cls, path: Path) -> "EvaluatedPosts":
        """Reads the file.

        Raises:
            UserError: it is missing, damaged or none of `save`.
        """
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise UserError(
                f"{path} cannot be read ({str(error).splitlines()[0]}):"
                " run python -m tagkeras.evaluate again"
            ) from error
        if missing := set(_FACTS) - set(table.column_names):
            raise UserError(
                f"{path} has no column {min(missing)}: run python -m tagkeras.evaluate again"
            )

        def numbers(name: str) -> np.ndarray:
            return table.column(name).to_numpy().astype(np.float32)

        return cls(
            post_ids=table.column("post_id").to_pylist(),
            user_ids=table.column("user_id").to_pylist(),
            age=numbers("age"),
            gender=table.column("gender").to_pylist(),
            country=table.column("country").to_pylist(),
            location=np.stack([numbers("latitude"), numbers("longitude")], axis=1),
            num_truth=table.column("num_truth").to_numpy(),
            hits={
                name: table.column(name)
                .combine_chunks()
                .flatten()
                .to_numpy(zero_copy_only=False)
                .reshape(len(table), -1)
                for name in table.column_names
                if name not in _FACTS
            },
        )
