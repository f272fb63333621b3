"""One loaded version of a model: its session and its signatures."""

import time
from collections.abc import Mapping, Sequence

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.batching.batch_scheduler import BatchScheduler
from serving.server.batching.batching_session import BatchingSession
from serving.server.errors import ServingError
from serving.server.models import saved_model_loader
from serving.server.models.session_calls import SessionCalls
from serving.server.monitoring.metrics import Metrics
from serving.tensors import Array


class Servable:
    """A SavedModel in a session of its own, restored and initialised, assets and tables included.

    The loader of TensorFlow 1 takes SavedModels of any age, and its session, unlike the functions
    of `tf.saved_model.load`, can be stopped at a deadline. Thread-safe.

    Args:
        name: the model's name.
        version: the version's number.
        path: folder of the SavedModel.
        scheduler: puts calls together to batches; None runs each call alone.
        metrics: where loads and runs are measured.
        check_method_names: whether a call must suit the `method_name` of its signature, as models
            of TensorFlow 1 have it; those of TensorFlow 2 have the same for all signatures.
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
        scheduler: BatchScheduler | None = None,
        metrics: Metrics | None = None,
        check_method_names: bool = False,
        intra_op_threads: int = 0,
        inter_op_threads: int = 0,
    ) -> None:
        self.name = name
        self.version = version
        self.path = path
        self.metrics = metrics
        self.check_method_names = check_method_names
        self._graph = tf.Graph()
        config = _session_config(intra_op_threads, inter_op_threads)
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        self._batching: BatchingSession | None = None
        start = time.monotonic()
        loaded = False
        try:
            self._meta_graph = self._load(path)
            loaded = True
        except ServingError:
            self._session.close()
            raise
        finally:
            if metrics:
                metrics.record_load(path, time.monotonic() - start, loaded=loaded)
        self._calls = SessionCalls(self._session, self._meta_graph.graph_def)
        if scheduler:
            self._batching = BatchingSession(scheduler, self.signatures.values(), self._run_alone)

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
        """Computes tensors, in a batch with other calls if the servable has a scheduler.

        See `SessionCalls.run`.

        Args:
            feeds: values by tensor name, such as `"x:0"`.
            fetches: names of the tensors to compute.
            timeout: seconds after which the computation is stopped; None for never.
            api: under which the time is measured: `Predict`, `Classify` or `Regress`.

        Raises:
            ServingError: with the session's status code, `DEADLINE_EXCEEDED` among them.
        """
        start = time.monotonic()
        run = self._batching.run if self._batching else self._run_alone
        values = run(feeds, fetches, timeout)
        if api and self.metrics:
            self.metrics.record_runtime(self.name, api, time.monotonic() - start)
        return values

    def close(self) -> None:
        """Frees what the session holds, and stops what is still running."""
        if self._batching:
            self._batching.close()
        self._calls.close()
        if self._batching:
            self._batching.wait_until_empty()

    def _run_alone(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout: float | None
    ) -> list[Array]:
        start = time.monotonic()
        values = self._calls.run(feeds, fetches, timeout)
        if self.metrics:
            self.metrics.record_graph_run(time.monotonic() - start)
        return values

    def _load(self, path: str) -> meta_graph_pb2.MetaGraphDef:
        # What `tf.compat.v1.saved_model.loader.load` does, a stage at a time.
        tags = saved_model_loader.TAGS
        loader = saved_model_loader.open_saved_model(path)
        with saved_model_loader.statuses(), self._graph.as_default():
            saver, _ = loader.load_graph(self._graph, tags)
            start = time.monotonic()
            saved_model_loader.restore_variables(self._session, saver, path)
            restored = time.monotonic()
            loader.run_init_ops(self._session, tags)
            initialised = time.monotonic()
            # The loader runs nothing for a model without variables and initialisers; a first run
            # hands the graph over to the session.
            self._session.run(tf.no_op())
        if self.metrics:
            self.metrics.record_load_stage(path, "restore_graph", restored - start)
            self.metrics.record_load_stage(path, "init_graph", initialised - restored)
        self._graph.finalize()
        return loader.get_meta_graph_def_from_tags(tags)


def _session_config(intra_op_threads: int, inter_op_threads: int) -> tf.compat.v1.ConfigProto:
    """Threads of the session sleep when there is nothing to do.

    Those that look for work in a loop take the time of the threads that read and write requests.
    """
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=intra_op_threads,
        inter_op_parallelism_threads=inter_op_threads,
    )
    config.experimental.disable_thread_spinning = True
    return config
