"""One loaded version of a model: its session and its signatures."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.python.client import pywrap_tf_session

from serving.errors import ServingError, not_found
from serving.tensors import Array


class Servable:
    """A SavedModel in a session of its own, restored and initialised, assets and tables included.

    The loader of TensorFlow 1 takes SavedModels of any age, and its session, unlike the functions
    of `tf.saved_model.load`, can be stopped at a deadline. Thread-safe.

    Args:
        name: the model's name.
        version: the version's number.
        path: folder of the SavedModel.

    Raises:
        ServingError: the folder holds no SavedModel for serving, or it cannot be loaded.
    """

    def __init__(self, name: str, version: int, path: str) -> None:
        self.name = name
        self.version = version
        self.path = path
        if not any(tf.io.gfile.exists(f"{path}/saved_model.{kind}") for kind in ("pb", "pbtxt")):
            raise not_found(
                f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}"
            )
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph)
        try:
            self._meta_graph = self._load(path)
        except ServingError:
            self.close()
            raise
        self._outputs: dict[str, Any] = {}

    @property
    def signatures(self) -> Mapping[str, meta_graph_pb2.SignatureDef]:
        """The model's signatures by name."""
        return self._meta_graph.signature_def

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout: float | None = None
    ) -> list[Array]:
        """Computes tensors.

        Types and shapes are left to the session, as in the real server: `Session.run` would check
        shapes against those that the graph's placeholders were made with, and convert types.

        Args:
            feeds: values by tensor name, such as `"x:0"`.
            fetches: names of the tensors to compute.
            timeout: seconds after which the computation is stopped; None for never.

        Raises:
            ServingError: with the session's status code, `DEADLINE_EXCEEDED` among them.
        """
        options = tf.compat.v1.RunOptions()
        if timeout is not None:
            options.timeout_in_ms = max(1, int(timeout * 1000))
        buffer = pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())
        try:
            return self._session._call_tf_sessionrun(
                buffer,
                {self._output(name): value for name, value in feeds.items()},
                [self._output(name) for name in fetches],
                [],
                None,
            )
        except tf.errors.OpError as error:
            raise ServingError.from_tensorflow(error) from None
        finally:
            pywrap_tf_session.TF_DeleteBuffer(buffer)

    def close(self) -> None:
        """Frees what the session holds; no call may be under way."""
        self._session.close()

    def _load(self, path: str) -> meta_graph_pb2.MetaGraphDef:
        try:
            with self._graph.as_default():
                meta_graph = tf.compat.v1.saved_model.loader.load(
                    self._session, [tf.saved_model.SERVING], path
                )
                # The loader runs nothing for a model without variables and initialisers; a first
                # run hands the graph over to the session.
                self._session.run(tf.no_op())
        except tf.errors.OpError as error:
            raise ServingError.from_tensorflow(error) from error
        except Exception as error:  # Python code of the loader, fed with any file
            raise ServingError(grpc.StatusCode.UNKNOWN, str(error)) from error
        self._graph.finalize()
        return meta_graph

    def _output(self, name: str) -> Any:
        output = self._outputs.get(name)
        if output is None:
            try:
                output = self._graph.get_tensor_by_name(name)._as_tf_output()
            except (KeyError, ValueError):
                raise not_found(f"Tensor {name} was not found in the Graph") from None
            self._outputs[name] = output
        return output
