"""Which calls run together, with real threads."""

import threading

import grpc
import numpy as np
import pytest
from batching_helpers import FOREVER, signature
from serving_helpers import WAIT

from serving.server.batching.batching_session import BatchingSession
from serving.server.errors import ServingError
from serving.server.monitoring.metrics import Metrics


def test_calls_that_fill_a_batch_run_together(batching):
    fixture = batching(max_batch_size=6, batch_timeout_micros=FOREVER)
    calls = {
        start: fixture.start(list(range(start, start + size)))
        for start, size in ((10, 1), (20, 2), (30, 3))
    }
    assert calls[10].result(WAIT) == [20]
    assert calls[20].result(WAIT) == [40, 42]
    assert calls[30].result(WAIT) == [60, 62, 64]
    (run,) = fixture.computation.runs
    assert sorted(run["x:0"]) == [10, 20, 21, 30, 31, 32]


def test_a_batch_that_is_not_full_runs_after_its_time(batching):
    fixture = batching(max_batch_size=6, batch_timeout_micros=1000)
    assert fixture.run([1, 2]) == [2, 4]
    assert fixture.run([3]) == [6]
    assert fixture.computation.runs == [{"x:0": [1, 2]}, {"x:0": [3]}]


def test_a_call_that_does_not_fit_closes_the_batch(batching):
    fixture = batching(max_batch_size=4, batch_timeout_micros=FOREVER)
    fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [9], timeout=0)
    first = fixture.start([1, 2, 3])
    assert fixture.computation.started.acquire(timeout=WAIT)
    assert fixture.computation.runs == [{"x:0": [9, 1, 2, 3]}]
    assert first.result(WAIT) == [2, 4, 6]
    fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [7, 8], timeout=0)
    second = fixture.start([4, 5, 6])
    fixture.start([0])
    assert second.result(WAIT) == [8, 10, 12]


def test_padding_repeats_the_first_row_of_the_last_call(batching):
    fixture = batching(max_batch_size=8, allowed_batch_sizes=(2, 4, 8))
    assert fixture.run([[1, 2], [3, 4], [5, 6]]) == [[2, 4], [6, 8], [10, 12]]
    assert fixture.computation.runs[0] == {"x:0": [[1, 2], [3, 4], [5, 6], [1, 2]]}
    fixture.run([[7, 8]])
    assert fixture.computation.runs[1] == {"x:0": [[7, 8], [7, 8]]}
    fixture.run([[0, 0]] * 4)
    assert fixture.computation.runs[2] == {"x:0": [[0, 0]] * 4}


def test_padding_after_several_calls(batching):
    fixture = batching(max_batch_size=8, allowed_batch_sizes=(8,), batch_timeout_micros=FOREVER)
    fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [1, 2], timeout=0)
    later = fixture.threads.submit(fixture.run, [3, 4, 5])
    joined = threading.Event()
    queued = fixture.scheduler.submit

    def submit(*arguments):
        parts = queued(*arguments)
        joined.set()
        return parts

    fixture.scheduler.submit = submit
    last = fixture.start([6])
    assert joined.wait(WAIT)
    fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [7, 8, 9], timeout=0)  # one too many
    assert len(fixture.computation.runs) in (0, 1)
    fixture.scheduler.close()
    assert later.result(WAIT) == [6, 8, 10]
    assert last.result(WAIT) == [12]


def test_tensors_of_no_signature_run_alone(batching, caplog):
    fixture = batching([signature("x", ["y", "z"])], max_batch_size=4, batch_timeout_micros=FOREVER)
    assert fixture.run([1]) == [2]  # only one of the two outputs
    assert fixture.run([2], timeout=7) == [4]
    assert fixture.computation.timeouts == [None, 7]
    (warning,) = caplog.messages
    assert warning.endswith(
        "Bypassing batcher. Request signature is: {input_tensors: <x:0>, output_tensors: <y:0>}"
    )


def test_signatures_do_not_share_a_batch(batching):
    fixture = batching(
        [signature("x", "y"), signature("x", "z")], max_batch_size=2, batch_timeout_micros=FOREVER
    )
    with pytest.raises(ServingError, match="DEADLINE_EXCEEDED"):
        fixture.session.run({"x:0": np.array([5])}, ["z:0"], 0)
    assert [fixture.start([1]).result, fixture.start([2]).result][0](WAIT) == [2]
    (run,) = fixture.computation.runs
    assert sorted(run["x:0"]) == [1, 2]


def test_signatures_of_the_same_tensors_share_a_queue(batching):
    fixture = batching(
        [signature("x", "y"), signature("x", "y")], max_batch_size=2, batch_timeout_micros=FOREVER
    )
    calls = [fixture.start([1]), fixture.start([2])]
    assert [call.result(WAIT) for call in calls] == [[2], [4]]


def test_many_threads_and_models_get_their_own_rows(batching):
    """Each of 1600 calls in 16 threads checks every row of its answer."""
    fixture = batching(
        max_batch_size=8,
        batch_timeout_micros=200,
        allowed_batch_sizes=(3, 8),
        num_batch_threads=3,
        max_enqueued_batches=16,  # all the threads may wait for the same model
    )
    other = BatchingSession(fixture.scheduler, [signature("x", "y")], fixture.computation)
    start = threading.Barrier(16)

    def calls(seed):
        start.wait(WAIT)
        generator = np.random.default_rng(seed)
        rows = 0
        for session in [fixture.session, other] * 50:
            x = generator.integers(0, 1000, (generator.integers(1, 9), 2))
            np.testing.assert_array_equal(session.run({"x:0": x}, ["y:0"], WAIT)[0], x * 2)
            rows += len(x)
        return rows

    rows = sum(fixture.threads.map(calls, range(16)))
    sizes = [len(run["x:0"]) for run in fixture.computation.runs]
    assert set(sizes) <= {3, 8}
    assert rows <= sum(sizes)


def test_what_is_measured(batching):
    metrics = Metrics()
    fixture = batching(metrics=metrics, max_batch_size=4, allowed_batch_sizes=(4,))
    fixture.run([1, 2, 3])
    lines = metrics.exposition().decode().splitlines()
    name = ":tensorflow:serving:batching_session:"
    for line in (
        f"{name}wrapped_run_count{{}} 1",
        f'{name}input_batch_size_bucket{{le="2"}} 0',
        f'{name}input_batch_size_bucket{{le="4"}} 1',
        f"{name}input_batch_size_sum{{}} 3",
        f"{name}processed_batch_size_sum{{}} 4",
        f'{name}padding_size_sum{{execution_batch_size="4"}} 1',
        f'{name}padding_size_bucket{{execution_batch_size="4",le="1"}} 0',
        f'{name}padding_size_bucket{{execution_batch_size="4",le="2"}} 1',
        f'{name}queuing_latency_count{{thread_pool_name=""}} 1',
    ):
        assert line in lines
