"""The file of predictions: for each post its best hashtags and their scores."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    {
        "post_id": pa.string(),
        "hashtags": pa.list_(pa.string()),
        "scores": pa.list_(pa.float32()),
    }
)


class PredictionsWriter:
    """Writes `post_id`, `hashtags` (best first) and `scores` to Parquet, batch by batch.

    Args:
        path: of the file.
        tags: the vocabulary, in the order of ids.
    """

    def __init__(self, path: Path, tags: tuple[str, ...]) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA)
        self._tags = np.array(tags, dtype=object)

    def __enter__(self) -> "PredictionsWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, post_ids: list[str], ids: np.ndarray, scores: np.ndarray) -> None:
        """Adds a batch: ids int64 [B, k], scores float32 [B, k]."""
        columns = [post_ids, self._tags[ids].tolist(), scores.tolist()]
        arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
