"""BatchingParameters, as `--batching_parameters_file` gives them."""

import dataclasses
import os

from serving.server import text_config
from tagkeras.cli.errors import UserError

_BatchingParameters = text_config.define(
    {
        "BatchingParameters": {
            "max_batch_size": "Int64Value",
            "batch_timeout_micros": "Int64Value",
            "max_enqueued_batches": "Int64Value",
            "num_batch_threads": "Int64Value",
            "thread_pool_name": "StringValue",
            "allowed_batch_sizes": "repeated int64",
            "pad_variable_length_inputs": "bool",
            "enable_large_batch_splitting": "BoolValue",
            "max_execution_batch_size": "Int64Value",
        }
    }
)["BatchingParameters"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchingParameters:
    """How calls are put together; names and defaults are those of `tensorflow_model_server`.

    Args:
        max_batch_size: most rows of a call and, unless calls are split, of a batch.
        batch_timeout_micros: how long a batch that is not full waits for more calls.
        max_enqueued_batches: batches of one signature that may wait, the one being filled
            included; more are refused.
        num_batch_threads: batches that run at the same time.
        thread_pool_name: name of the threads.
        allowed_batch_sizes: sizes, in increasing order, to which batches are padded; the last one
            is `max_batch_size`.
        pad_variable_length_inputs: pad inputs of different shapes to the largest; otherwise they
            are an error.
        enable_large_batch_splitting: split calls that do not fit into a batch.
        max_execution_batch_size: most rows of a batch if calls are split; `max_batch_size` by
            default.

    Raises:
        ValueError: values that do not go together.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "num_batch_threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive; was {getattr(self, name)}")
        for name in ("batch_timeout_micros", "max_enqueued_batches"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be non-negative; was {getattr(self, name)}")
        sizes = self.allowed_batch_sizes
        if sizes and sizes[-1] != self.max_batch_size:
            raise ValueError(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                f"{sizes[-1]}; expected {self.max_batch_size}"
            )
        if any(left >= right for left, right in zip((0, *sizes), sizes, strict=False)):
            raise ValueError("allowed_batch_sizes entries must be monotonically increasing")
        if not self.enable_large_batch_splitting:
            return
        if self.max_enqueued_batches < 1:
            raise ValueError("max_enqueued_batches must be positive; was 0")
        if not 1 <= self.batch_rows <= self.max_batch_size:
            raise ValueError(
                "max_execution_batch_size must be positive and no larger than max_batch_size; was "
                f"{self.batch_rows}; max_batch_size is {self.max_batch_size}"
            )

    @property
    def batch_rows(self) -> int:
        """Most rows of a batch."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size is not None:
            return self.max_execution_batch_size
        return self.max_batch_size

    def padded_size(self, size: int) -> int:
        """The rows with which a batch of `size` rows is run; without any, none can be repeated."""
        return next((allowed for allowed in self.allowed_batch_sizes if allowed >= size > 0), size)


def read(path: str | os.PathLike[str]) -> BatchingParameters:
    """Reads ascii `tensorflow.serving.BatchingParameters`.

    Raises:
        UserError: the file cannot be read, or its parameters are none or do not go together.
    """
    message = text_config.read(
        path, _BatchingParameters, "max_batch_size { value: 32 } batch_timeout_micros { value: 0 }"
    )
    # Only what is set: the rest keeps its default, which is not the zero of the message.
    given = {
        field.name: value.value if hasattr(value, "value") else value
        for field, value in message.ListFields()
    }
    if "allowed_batch_sizes" in given:
        given["allowed_batch_sizes"] = tuple(given["allowed_batch_sizes"])
    try:
        return BatchingParameters(**given)
    except ValueError as error:
        raise UserError(f"bad batching parameters in {path}: {error}") from error
