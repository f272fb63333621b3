"""Scheduling with real threads over a computation whose every run is recorded."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from serving_helpers import WAIT
from tensorflow.core.protobuf import meta_graph_pb2

from serving.batching.batch_scheduler import BatchScheduler
from serving.batching.batching_session import BatchingSession
from serving.batching.parameters import BatchingParameters
from serving.errors import ServingError
from serving.monitoring.metrics import Metrics

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


@pytest.fixture
def batching():
    made = []

    def make(*arguments, **parameters):
        made.append(Fixture(*arguments, **parameters))
        return made[-1]

    yield make
    for fixture in made:
        fixture.computation.go_on.set()
        fixture.scheduler.close()
        fixture.threads.shutdown()


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


class TestRefusals:
    def test_rows(self, batching):
        fixture = batching([signature("xw", "y")])
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        assert (
            fixture.fails(invalid, [1, 2], **{"w:0": np.array([1])})
            == "Batching Run() input tensors must have equal 0th-dimension size"
        )
        assert (
            fixture.fails(invalid, [1, 2], **{"w:0": np.array(1)})
            == "Batching Run() input tensors must have at least one dimension"
        )
        assert not fixture.computation.runs

    def test_no_inputs(self, batching):
        session = batching([signature("", "y")]).session
        with pytest.raises(ServingError, match="must have at least one input tensor"):
            session.run({}, ["y:0"])

    def test_a_call_larger_than_any_batch(self, batching):
        assert (
            batching(max_batch_size=2).fails(grpc.StatusCode.INVALID_ARGUMENT, [1, 2, 3])
            == "Task size 3 is larger than maximum input batch size 2"
        )

    def test_a_full_queue(self, batching):
        fixture = batching(max_batch_size=2, max_enqueued_batches=2, num_batch_threads=1)
        fixture.computation.go_on.clear()
        running = fixture.start([0, 0])
        assert fixture.computation.started.acquire(timeout=WAIT)
        for _ in range(2):
            fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [1, 1], timeout=0)
        assert fixture.fails(grpc.StatusCode.UNAVAILABLE, [2]) == (
            "The batch scheduling queue to which this task was submitted is full; "
            "currently 2 batches enqueued and max_enqueued_batches is 2"
        )
        fixture.computation.go_on.set()
        assert running.result(WAIT) == [0, 0]
        assert fixture.run([2]) == [4]

    def test_a_closed_scheduler(self, batching):
        fixture = batching()
        fixture.scheduler.close()
        assert "closed" in fixture.fails(grpc.StatusCode.UNAVAILABLE, [2])


class TestDeadlines:
    def test_a_call_gives_up_while_it_waits(self, batching):
        fixture = batching(max_batch_size=2, batch_timeout_micros=FOREVER)
        message = fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [1], timeout=0.01)
        assert message == "Timed out waiting for notification"
        fixture.scheduler.close()
        assert not fixture.computation.runs  # nobody was waiting for the batch

    def test_a_call_gives_up_while_its_batch_runs(self, batching):
        fixture = batching(max_batch_size=2, batch_timeout_micros=FOREVER)
        fixture.computation.go_on.clear()
        patient = fixture.start([1])
        fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [2], timeout=0.01)
        assert fixture.computation.started.acquire(timeout=WAIT)
        fixture.computation.go_on.set()
        assert patient.result(WAIT) == [2]

    def test_a_batch_has_the_time_of_its_most_patient_call(self, batching):
        fixture = batching(max_batch_size=2, batch_timeout_micros=FOREVER)
        for timeouts in ((1000, 2000), (None, 1000)):
            calls = [fixture.start([1], timeout=timeout) for timeout in timeouts]
            assert [call.result(WAIT) for call in calls] == [[2], [2]]
        first, second = fixture.computation.timeouts
        assert 1000 < first <= 2000
        assert second is None


class TestErrors:
    @pytest.fixture
    def pair(self, batching):
        return lambda **parameters: batching(
            max_batch_size=2, batch_timeout_micros=FOREVER, **parameters
        )

    def fail(self, fixture, *rows):
        calls = [fixture.start(row) for row in rows]
        errors = [call.exception(WAIT) for call in calls]
        assert errors[0] is not errors[1]
        assert errors[0].args == errors[1].args
        return errors[0].code, errors[0].message

    def test_an_error_is_that_of_every_call(self, pair):
        fixture = pair()
        fixture.computation.error = ServingError(grpc.StatusCode.OUT_OF_RANGE, "too far")
        assert self.fail(fixture, [1], [2]) == (grpc.StatusCode.OUT_OF_RANGE, "too far")

    def test_the_threads_outlive_any_error(self, pair):
        fixture = pair(num_batch_threads=1)
        fixture.computation.error = RuntimeError("a bug")
        assert self.fail(fixture, [1], [2]) == (grpc.StatusCode.INTERNAL, "a bug")
        fixture.computation.error = None
        assert fixture.run([3, 4]) == [6, 8]

    def test_shapes_that_differ(self, pair):
        code, message = self.fail(pair(), [[1, 2]], [[1, 2, 3]])
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert message == (
            "Tensors with name 'x:0' from different tasks have different shapes and padding is "
            "turned off. Set pad_variable_length_inputs to true, or ensure that all tensors with "
            "the same name have equal dimensions starting with the first dim."
        )

    def test_types_that_differ(self, pair):
        code, message = self.fail(pair(), [1.5], [True])
        assert code is grpc.StatusCode.INTERNAL
        assert "Cannot concatenate tensors that have different data types. Got" in message
        assert {"double", "bool."} <= set(message.split())  # in the order in which they came

    @pytest.mark.parametrize(
        ("result", "message"),
        [
            (np.array(1), "Batched output tensor has 0 dimensions"),
            (
                np.array([1, 2, 3]),
                "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                "dimension sizes of the input tensors",
            ),
        ],
    )
    def test_outputs_without_a_row_for_each_row(self, pair, result, message):
        fixture = pair()
        fixture.computation.results = lambda _: result
        assert self.fail(fixture, [1], [2]) == (grpc.StatusCode.FAILED_PRECONDITION, message)


class TestVariableLengths:
    @pytest.fixture
    def fixture(self, batching):
        return batching(
            max_batch_size=2, batch_timeout_micros=FOREVER, pad_variable_length_inputs=True
        )

    def test_shorter_arrays_are_extended_by_their_first_element(self, fixture):
        calls = [fixture.start([[[1, 2]]]), fixture.start([[[3], [4], [5]]])]
        assert calls[0].result(WAIT) == [[[2, 4], [2, 2], [2, 2]]]
        assert calls[1].result(WAIT) == [[[6, 6], [8, 6], [10, 6]]]

    def test_strings(self, fixture):
        fixture.computation.results = lambda feeds: feeds["x:0"]
        words = [np.array([[b"a", b"b"]], object), np.array([[b"long word"]], object)]
        calls = [fixture.threads.submit(fixture.session.run, {"x:0": w}, ["y:0"]) for w in words]
        results = [call.result(WAIT)[0].tolist() for call in calls]
        assert results == [[[b"a", b"b"]], [[b"long word", b"long word"]]]

    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            ([[]], "Got empty tensor in batch of non-empty tensors."),
            ([[[1]]], "ranks"),
            ([[[[[[[1]]]]]]], "ranks"),
        ],
    )
    def test_what_cannot_be_padded(self, fixture, rows, words):
        calls = [fixture.start([[1, 2]]), fixture.start(rows)]
        for call in calls:
            error = call.exception(WAIT)
            assert error.code is grpc.StatusCode.INVALID_ARGUMENT
            assert words in error.message

    def test_too_many_dimensions(self, fixture):
        message = fixture.fails(grpc.StatusCode.INVALID_ARGUMENT, np.zeros((2, 1, 1, 1, 1, 1, 1)))
        assert message == "Only tensors with rank from 1 to 6 can be padded."


class TestSplitting:
    def test_a_large_call_is_cut_and_put_together(self, batching):
        fixture = batching(
            max_batch_size=10,
            max_execution_batch_size=4,
            enable_large_batch_splitting=True,
            num_batch_threads=1,
        )
        assert fixture.run(list(range(10))) == list(range(0, 20, 2))
        assert fixture.computation.runs == [
            {"x:0": [0, 1, 2, 3]},
            {"x:0": [4, 5, 6, 7]},
            {"x:0": [8, 9]},
        ]

    def test_the_first_part_fills_the_open_batch(self, batching):
        fixture = batching(
            max_batch_size=8,
            max_execution_batch_size=4,
            enable_large_batch_splitting=True,
            batch_timeout_micros=FOREVER,
            num_batch_threads=1,
        )
        fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [9], timeout=0)
        assert fixture.run(list(range(7))) == list(range(0, 14, 2))
        assert fixture.computation.runs == [{"x:0": [9, 0, 1, 2]}, {"x:0": [3, 4, 5, 6]}]

    def test_an_error_of_a_part_is_that_of_the_call(self, batching):
        fixture = batching(
            max_batch_size=8, max_execution_batch_size=4, enable_large_batch_splitting=True
        )
        fixture.computation.error = ServingError(grpc.StatusCode.ABORTED, "no")
        assert fixture.fails(grpc.StatusCode.ABORTED, list(range(8))) == "no"

    def test_no_room_for_all_the_parts(self, batching):
        fixture = batching(
            max_batch_size=8,
            max_execution_batch_size=4,
            max_enqueued_batches=2,
            enable_large_batch_splitting=True,
            batch_timeout_micros=FOREVER,
        )
        fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, [9], timeout=0)
        assert fixture.fails(grpc.StatusCode.UNAVAILABLE, list(range(8))) == (
            "The batch scheduling queue to which this task was submitted is full; task size is 8 "
            "but scheduling capacity is only 7 (num_enqueued_batches=1, max_enqueued_batches=2, "
            "open_batch_size=1, max_execution_batch_size=4)"
        )


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


def test_many_threads_and_models_get_their_own_rows(batching):
    """Each of 1600 calls in 16 threads checks every row of its answer."""
    fixture = batching(
        max_batch_size=8, batch_timeout_micros=200, allowed_batch_sizes=(3, 8), num_batch_threads=3
    )
    other = BatchingSession(fixture.scheduler, [signature("x", "y")], fixture.computation)
    start = threading.Barrier(16)

    def calls(seed):
        start.wait(WAIT)
        generator = np.random.default_rng(seed)
        for session in [fixture.session, other] * 50:
            x = generator.integers(0, 1000, (generator.integers(1, 9), 2))
            np.testing.assert_array_equal(session.run({"x:0": x}, ["y:0"], WAIT)[0], x * 2)

    list(fixture.threads.map(calls, range(16)))
    assert {len(run["x:0"]) for run in fixture.computation.runs} <= {3, 8}
    assert len(fixture.computation.runs) <= 1600


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
