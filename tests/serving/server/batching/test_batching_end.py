"""The end of queues and of their threads."""

import gc
import threading
import weakref

import grpc
import numpy as np
from batching_helpers import FOREVER, Computation, signature
from serving_helpers import WAIT

from serving.server.batching.batching_session import BatchingSession


class TestClosing:
    def test_what_waits_is_run_and_the_threads_end(self, batching):
        fixture = batching(
            max_batch_size=9, batch_timeout_micros=FOREVER, thread_pool_name="ending"
        )
        fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [1], timeout=0)
        queued = threading.Event()
        submit = fixture.scheduler.submit
        fixture.scheduler.submit = lambda *arguments: (submit(*arguments), queued.set())[0]
        call = fixture.start([2])
        assert queued.wait(WAIT)
        fixture.scheduler.close()
        assert call.result(WAIT) == [4]
        assert fixture.computation.runs == [{"x:0": [1, 2]}]
        assert not [thread for thread in threading.enumerate() if "ending" in thread.name]

    def test_a_queue_drains_and_the_others_go_on(self, batching):
        fixture = batching(max_batch_size=9, batch_timeout_micros=FOREVER)
        other = BatchingSession(fixture.scheduler, [signature("x", "y")], Computation())
        fixture.computation.go_on.clear()
        queued = threading.Event()
        submit = fixture.scheduler.submit
        fixture.scheduler.submit = lambda *arguments: (submit(*arguments), queued.set())[0]
        call = fixture.start([2])
        assert queued.wait(WAIT)
        fixture.session.close()
        assert fixture.computation.started.acquire(timeout=WAIT)
        fixture.fails(grpc.StatusCode.UNAVAILABLE, [3])
        drained = fixture.threads.submit(fixture.session.wait_until_empty)
        assert not drained.done()
        fixture.computation.go_on.set()
        drained.result(WAIT)
        assert call.result(WAIT) == [4]
        assert other.run({"x:0": np.arange(9)}, ["y:0"])[0].tolist() == list(range(0, 18, 2))

    def test_idle_threads_keep_nothing_of_a_session(self, batching):
        fixture = batching(num_batch_threads=1)
        gone = BatchingSession(fixture.scheduler, [signature("x", "y")], Computation())
        assert gone.run({"x:0": np.array([1])}, ["y:0"])[0].tolist() == [2]
        gone.close()
        gone.wait_until_empty()
        reference = weakref.ref(gone)
        del gone
        assert fixture.run([1]) == [2]  # the only thread has left the batch before
        gc.collect()
        assert reference() is None
