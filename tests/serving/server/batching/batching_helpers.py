"""Batches with real threads over a computation whose every run is recorded."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from serving_helpers import WAIT
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.batching.batch_scheduler import BatchScheduler
from serving.server.batching.batching_session import BatchingSession
from serving.server.batching.parameters import BatchingParameters
from serving.server.errors import ServingError

FOREVER = 3_600_000_000  # microseconds for which a batch that is not full waits


def signature(inputs, outputs):
    definition = meta_graph_pb2.SignatureDef()
    for name in inputs:
        definition.inputs[name].name = f"{name}:0"
    for name in outputs:
        definition.outputs[name].name = f"{name}:0"
    return definition


class Computation:
    """Doubles `x:0`; each run is recorded, and may be held up or fail."""

    def __init__(self):
        self.runs = []
        self.timeouts = []
        self.started = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.go_on.set()
        self.error = None
        self.results = lambda feeds: feeds["x:0"] * 2

    def __call__(self, feeds, fetches, timeout):
        self.runs.append({name: value.tolist() for name, value in feeds.items()})
        self.timeouts.append(timeout)
        self.started.release()
        assert self.go_on.wait(WAIT)
        if self.error:
            raise self.error
        return [self.results(feeds) for _ in fetches]


class Fixture:
    def __init__(self, signatures=None, metrics=None, **parameters):
        self.computation = Computation()
        self.scheduler = BatchScheduler(
            BatchingParameters(**({"num_batch_threads": 2} | parameters)), metrics
        )
        self.session = BatchingSession(
            self.scheduler, signatures or [signature("x", "y")], self.computation
        )
        self.threads = ThreadPoolExecutor(16)

    def run(self, rows, timeout=None, **others):
        feeds = {"x:0": np.array(rows)} | others
        return self.session.run(feeds, ["y:0"], timeout)[0].tolist()

    def start(self, *arguments, **named):
        return self.threads.submit(self.run, *arguments, **named)

    def fails(self, code, *arguments, **named):
        with pytest.raises(ServingError) as caught:
            self.run(*arguments, **named)
        assert caught.value.code is code
        return caught.value.message
