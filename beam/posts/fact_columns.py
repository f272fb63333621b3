"""Facts as columns of Arrow: a float or a binary text for each post."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa


def to_arrow(columns: Mapping[str, np.ndarray]) -> dict[str, pa.Array]:
    """Columns of `tagkeras.data.facts.to_columns`, each an array of length B."""
    return {
        name: pa.array(values, "binary" if values.dtype == object else "float32")
        for name, values in columns.items()
    }


def from_arrow(posts: pa.RecordBatch | pa.Table, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The named columns of posts, as models take them: float32 or objects of type bytes, [B]."""
    return {
        name: np.array(posts.column(name).to_pylist(), object)
        if pa.types.is_binary(posts.schema.field(name).type)
        else posts.column(name).to_numpy()
        for name in names
    }
