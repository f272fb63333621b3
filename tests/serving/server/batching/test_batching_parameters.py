import pytest

from serving.server.batching import parameters
from serving.server.batching.parameters import BatchingParameters
from tagkeras.cli.errors import UserError


def read(tmp_path, text):
    path = tmp_path / "batching.txt"
    path.write_text(text)
    return parameters.read(path)


def test_what_a_file_says_and_what_it_leaves_out(tmp_path):
    text = """
        max_batch_size { value: 32 }
        batch_timeout_micros { value: 5000 }
        num_batch_threads { value: 3 }
        thread_pool_name { value: 'tags' }
        allowed_batch_sizes: 8
        allowed_batch_sizes: 32
        pad_variable_length_inputs: true
    """
    assert read(tmp_path, text) == BatchingParameters(
        max_batch_size=32,
        batch_timeout_micros=5000,
        max_enqueued_batches=10,
        num_batch_threads=3,
        thread_pool_name="tags",
        allowed_batch_sizes=(8, 32),
        pad_variable_length_inputs=True,
    )


def test_the_defaults_are_those_of_the_original(tmp_path):
    read_parameters = read(tmp_path, "")
    assert read_parameters == BatchingParameters()
    assert read_parameters.max_batch_size == 1000
    assert read_parameters.batch_timeout_micros == 0
    assert read_parameters.max_enqueued_batches == 10
    assert not read_parameters.enable_large_batch_splitting


def test_a_wrapper_that_is_set_to_zero_is_zero(tmp_path):
    assert read(tmp_path, "max_enqueued_batches { value: 0 }").max_enqueued_batches == 0


def test_splitting(tmp_path):
    text = "enable_large_batch_splitting { value: true } max_batch_size { value: 8 }"
    assert read(tmp_path, text).batch_rows == 8
    assert read(tmp_path, text + "max_execution_batch_size { value: 4 }").batch_rows == 4
    assert read(tmp_path, "max_execution_batch_size { value: 4 }").batch_rows == 1000


def test_padded_sizes():
    allowed = BatchingParameters(max_batch_size=8, allowed_batch_sizes=(2, 8))
    assert [allowed.padded_size(size) for size in (1, 2, 3, 8)] == [2, 2, 8, 8]
    assert BatchingParameters().padded_size(3) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_batch_size: 32", "it must be an ascii BatchingParameters, such as max_batch_size"),
        ("batch_size { value: 1 }", "no field named"),
        ("max_batch_size { value: 0 }", "max_batch_size must be positive; was 0"),
        ("num_batch_threads { value: -1 }", "num_batch_threads must be positive; was -1"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be non-negative; was -1"),
        ("max_enqueued_batches { value: -1 }", "max_enqueued_batches must be non-negative"),
        (
            "max_batch_size { value: 32 } allowed_batch_sizes: 16",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 16; "
            "expected 32",
        ),
        ("allowed_batch_sizes: 4", "last entry was 4; expected 1000"),
        (
            "max_batch_size { value: 4 } allowed_batch_sizes: 8 allowed_batch_sizes: 4",
            "monotonically increasing",
        ),
        (
            "enable_large_batch_splitting { value: true } max_enqueued_batches { value: 0 }",
            "max_enqueued_batches must be positive; was 0",
        ),
        (
            "enable_large_batch_splitting { value: true } max_batch_size { value: 4 } "
            "max_execution_batch_size { value: 8 }",
            "no larger than max_batch_size; was 8; max_batch_size is 4",
        ),
    ],
)
def test_bad_parameters_are_one_line_that_names_the_file(tmp_path, text, words):
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert words in message
    assert "batching.txt" in message
    assert "\n" not in message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*missing\.txt"):
        parameters.read(tmp_path / "missing.txt")
