"""Calls that are refused, give up or fail, and what that is to the others."""

import grpc
import numpy as np
import pytest
from batching_helpers import FOREVER, signature
from serving_helpers import WAIT

from serving.server.errors import ServingError


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
