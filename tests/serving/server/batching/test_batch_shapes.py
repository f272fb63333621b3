"""Calls whose rows are padded or cut up."""

import grpc
import numpy as np
import pytest
from batching_helpers import FOREVER
from serving_helpers import WAIT

from serving.server.errors import ServingError


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


class TestCallsWithoutRows:
    def test_nothing_is_padded(self, batching):
        fixture = batching(max_batch_size=4, allowed_batch_sizes=(4,))
        assert fixture.run(np.zeros((0, 2))) == []
        assert fixture.computation.runs == [{"x:0": []}]

    def test_beside_others(self, batching):
        fixture = batching(
            max_batch_size=2, batch_timeout_micros=FOREVER, pad_variable_length_inputs=True
        )
        fixture.fails(grpc.StatusCode.DEADLINE_EXCEEDED, np.zeros((0, 1)), timeout=0)
        assert fixture.run([[1.0, 2.0], [3.0, 4.0]]) == [[2.0, 4.0], [6.0, 8.0]]


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
