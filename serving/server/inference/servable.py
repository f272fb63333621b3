"""One loaded version of a model: its session and its signatures."""

import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import grpc
import tensorflow as tf
from tensorflow.core.framework import graph_pb2, node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.python.client import pywrap_tf_session

from serving.server.errors import ServingError, not_found
from serving.server.metrics import Metrics
from serving.tensors import Array

TAG = tf.saved_model.SERVING
_BATCH_OP = "BatchFunction"
# For a graph that would cancel its own batches again and again.
_MAX_REPETITIONS = 100


class Servable:
    """A SavedModel in a session of its own, restored and initialised, assets and tables included.

    The loader of TensorFlow 1 takes SavedModels of any age, and its session, unlike the functions
    of `tf.saved_model.load`, can be stopped at a deadline. Thread-safe.

    Args:
        path: folder of the SavedModel.
        metrics: where loads and runs are measured.
        check_method_names: whether a call must match the `method_name` of its signature, as in
            models of TensorFlow 1; those of TensorFlow 2 have the same for all signatures.
        intra_op_threads: that share one operation, of all models together; 0 is one per processor.
        inter_op_threads: that run operations side by side; 0 is one per processor.

    Raises:
        ServingError: the folder holds no SavedModel for serving, or it cannot be loaded.
    """

    def __init__(
        self,
        name: str,
        version: int,
        path: str,
        *,
        metrics: Metrics | None = None,
        check_method_names: bool = False,
        intra_op_threads: int = 0,
        inter_op_threads: int = 0,
    ) -> None:
        self.name = name
        self.version = version
        self.path = path
        self.metrics = metrics or Metrics()
        self.check_method_names = check_method_names
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=intra_op_threads,
            inter_op_parallelism_threads=inter_op_threads,
        )
        # Idle threads that spin would take time from those that read and write requests.
        config.experimental.disable_thread_spinning = True
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
        start = time.monotonic()
        loaded = False
        try:
            self._meta_graph = _load(self._session, path)
            loaded = True
        finally:
            if not loaded:
                self._session.close()
            self.metrics.record_load(path, time.monotonic() - start, loaded=loaded)
        self._is_batched = _BATCH_OP in all_ops(self._meta_graph.graph_def)
        self._outputs: dict[str, Any] = {}
        self._closed = False

    @property
    def signatures(self) -> Mapping[str, meta_graph_pb2.SignatureDef]:
        """The model's signatures by name."""
        return self._meta_graph.signature_def

    def run(
        self,
        feeds: Mapping[str, Array],
        fetches: Sequence[str],
        timeout: float | None = None,
        *,
        api: str | None = None,
    ) -> list[Array]:
        """Computes tensors; types and shapes are left to the graph, as in the original.

        A graph that batches calls (`BatchFunction`) cancels a whole batch when the deadline of its
        last call passes. The calls that still have time are computed again.

        Args:
            feeds: values by tensor name, such as `"x:0"`.
            fetches: names of the tensors to compute.
            timeout: seconds after which the computation is stopped; None for never.
            api: under which the time is measured: `Predict`, `Classify` or `Regress`.

        Raises:
            ServingError: with the session's status code, `DEADLINE_EXCEEDED` among them.
        """
        start = time.monotonic()
        deadline = math.inf if timeout is None else start + timeout
        inputs = {self._output(name): value for name, value in feeds.items()}
        outputs = [self._output(name) for name in fetches]
        for attempt in itertools.count():
            left = deadline - time.monotonic()
            try:
                values = self._run_once(inputs, outputs, left)
                break
            except ServingError as error:
                again = self._was_cancelled_by_another(error) and deadline > time.monotonic()
                if not again or attempt == _MAX_REPETITIONS:
                    raise
        if api:
            self.metrics.record_runtime(self.name, api, time.monotonic() - start)
        return values

    def close(self) -> None:
        """Stops what is running and frees what the session holds; later calls fail."""
        self._closed = True
        self._session.close()

    def _run_once(
        self, inputs: Mapping[Any, Array], outputs: Sequence[Any], timeout: float
    ) -> list[Array]:
        start = time.monotonic()
        options = tf.compat.v1.RunOptions()
        if timeout < math.inf:
            options.timeout_in_ms = max(1, int(timeout * 1000))
        buffer = pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())
        try:
            # `Session.run` would check shapes against those that the placeholders were made with.
            values: list[Array] = self._session._call_tf_sessionrun(
                buffer, inputs, outputs, [], None
            )
        except tf.errors.OpError as error:
            raise ServingError.from_tensorflow(error) from None
        finally:
            pywrap_tf_session.TF_DeleteBuffer(buffer)
        self.metrics.record_graph_run(time.monotonic() - start)
        return values

    def _was_cancelled_by_another(self, error: ServingError) -> bool:
        if self._closed or not self._is_batched:
            return False
        return error.code is grpc.StatusCode.CANCELLED or (
            # What TensorFlow says to a call whose batch was cancelled before it began.
            error.code is grpc.StatusCode.INTERNAL
            and error.message.startswith("Missing ")
            and _BATCH_OP in error.message
        )

    def _output(self, name: str) -> Any:
        output = self._outputs.get(name)
        if output is None:
            try:
                output = self._session.graph.get_tensor_by_name(name)._as_tf_output()
            except (KeyError, ValueError):
                raise not_found(f"Tensor {name} was not found in the Graph") from None
            self._outputs[name] = output
        return output


def _load(session: tf.compat.v1.Session, path: str) -> meta_graph_pb2.MetaGraphDef:
    """Loads a SavedModel with the tag `serve` into a session."""
    if not tf.compat.v1.saved_model.contains_saved_model(path):
        raise not_found(
            f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}. "
            "Check that the directory exists and that you have the right permissions for accessing "
            "it."
        )
    try:
        with session.graph.as_default():
            meta_graph = tf.compat.v1.saved_model.load(session, [TAG], path)
            # The first run hands the graph over to the session, so that no call has to.
            session.run(tf.no_op())
        session.graph.finalize()
    except tf.errors.OpError as error:
        raise ServingError.from_tensorflow(error) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ServingError(
            grpc.StatusCode.DATA_LOSS, f"Can't parse the SavedModel in {path}"
        ) from error
    except RuntimeError as error:
        raise not_found(
            f"Could not find meta graph def matching supplied tags: {{ {TAG} }} in {path}"
        ) from error
    except Exception as error:  # the loader's Python code, fed with any file
        # Where it repeats an error of TensorFlow as one of Python, that one has the code.
        cause: BaseException | None = error
        while cause and not isinstance(cause, tf.errors.OpError):
            cause = cause.__context__
        if cause:
            raise ServingError.from_tensorflow(cause) from error
        raise ServingError(grpc.StatusCode.UNKNOWN, str(error)) from error
    return meta_graph


def all_nodes(graph_def: graph_pb2.GraphDef) -> Iterator[node_def_pb2.NodeDef]:
    """The nodes of a graph and of all its functions: loops, branches and batches."""
    functions = graph_def.library.function
    return itertools.chain(graph_def.node, *(function.node_def for function in functions))


def all_ops(graph_def: graph_pb2.GraphDef) -> set[str]:
    """The ops of these nodes, without the graph's own functions."""
    functions = {function.signature.name for function in graph_def.library.function}
    return {node.op for node in all_nodes(graph_def)} - functions
