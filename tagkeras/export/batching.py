"""Batching inside an exported graph: concurrent requests are scored together."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

# A request may have more rows than a batch: it is cut, and its answers are put together again.
_MAX_ROWS = 2**31 - 1
# Batches that wait before requests are refused as UNAVAILABLE. Servers bound them by their threads.
_MAX_ENQUEUED_BATCHES = 1000

Function = Callable[..., tuple[tf.Tensor, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class GraphBatching:
    """How requests are put together.

    Args:
        max_batch_size: rows that are computed at once, at most.
        timeout_micros: microseconds for which a batch waits to become full. At 0 it takes what came
            while all threads were busy: a request that comes alone does not wait.
        num_threads: batches computed at the same time.
    """

    max_batch_size: int = 64
    timeout_micros: int = 0
    num_threads: int = 1

    def __post_init__(self) -> None:
        if self.max_batch_size < 1 or self.num_threads < 1 or self.timeout_micros < 0:
            raise ValueError(f"sizes must be at least 1 and times at least 0, received {self}")

    def apply(self, function: Function) -> Function:
        """The function, computed in batches.

        Args:
            function: takes tensors, and returns tensors, of a row for each of their rows. A row
                must not depend on others, nor an error on what a row holds: it would fail all
                requests of the batch.
        """
        batched = tf.nondifferentiable_batch_function(
            self.num_threads,
            max_batch_size=_MAX_ROWS,
            batch_timeout_micros=self.timeout_micros,
            # The last is the largest batch. With every size allowed, none is padded.
            allowed_batch_sizes=list(range(1, self.max_batch_size + 1)),
            max_enqueued_batches=_MAX_ENQUEUED_BATCHES,
            autograph=False,
        )
        batched_function: Function = batched(function)
        return batched_function
