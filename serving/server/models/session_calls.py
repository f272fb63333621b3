"""Calls of a loaded graph's session, side by side and each with its own time limit."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.python.client import pywrap_tf_session

from serving.server.errors import ServingError, not_found
from serving.server.models.graph_nodes import all_ops
from serving.tensors import Array

# For a graph that would stop itself again and again, whoever calls.
_MAX_REPETITIONS = 100


class SessionCalls:
    """Computes tensors of a graph. Thread-safe.

    Types and shapes are left to the session, as in the real server: `Session.run` would check
    shapes against those that the graph's placeholders were made with, and convert types.

    Args:
        session: of the graph, which is complete.
        graph_def: the graph, functions included.
    """

    def __init__(self, session: tf.compat.v1.Session, graph_def: graph_pb2.GraphDef) -> None:
        self._session = session
        self._outputs: dict[str, Any] = {}
        self._is_batched = "BatchFunction" in all_ops(graph_def)
        self._closed = False

    def close(self) -> None:
        """Stops what is running; later calls fail."""
        self._closed = True
        self._session.close()

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout: float | None = None
    ) -> list[Array]:
        """Computes tensors.

        A graph that puts calls together (`BatchFunction`) stops a batch when the time of its last
        call is over, and all calls of it fail. Those that still have time are computed again.

        Args:
            feeds: values by tensor name, such as `"x:0"`.
            fetches: names of the tensors to compute.
            timeout: seconds after which the computation is stopped; None for never.

        Raises:
            ServingError: with the session's status code, `DEADLINE_EXCEEDED` among them.
        """
        inputs = {self._output(name): value for name, value in feeds.items()}
        outputs = [self._output(name) for name in fetches]
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        for _ in range(_MAX_REPETITIONS):
            try:
                return self._run(inputs, outputs, timeout)
            except ServingError as error:
                left = deadline - time.monotonic()
                if not self._was_stopped_by_another(error) or left <= 0:
                    raise
                timeout = None if timeout is None else left
        return self._run(inputs, outputs, timeout)

    def _was_stopped_by_another(self, error: ServingError) -> bool:
        if self._closed or not self._is_batched:
            return False
        return error.code is grpc.StatusCode.CANCELLED or (
            # What TensorFlow says of a call whose batch was stopped before it began.
            error.code is grpc.StatusCode.INTERNAL
            and error.message.startswith("Missing ")
            and "BatchFunction" in error.message
        )

    def _run(
        self, inputs: Mapping[Any, Array], outputs: Sequence[Any], timeout: float | None
    ) -> list[Array]:
        options = tf.compat.v1.RunOptions()
        if timeout is not None:
            options.timeout_in_ms = max(1, int(timeout * 1000))
        buffer = pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())
        try:
            values: list[Array] = self._session._call_tf_sessionrun(
                buffer, inputs, outputs, [], None
            )
        except tf.errors.OpError as error:
            raise ServingError.from_tensorflow(error) from None
        finally:
            pywrap_tf_session.TF_DeleteBuffer(buffer)
        return values

    def _output(self, name: str) -> Any:
        output = self._outputs.get(name)
        if output is None:
            try:
                output = self._session.graph.get_tensor_by_name(name)._as_tf_output()
            except (KeyError, ValueError):
                raise not_found(f"Tensor {name} was not found in the Graph") from None
            self._outputs[name] = output
        return output
