import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.client.output import shortest_float32
from serving.client.questions import nearest_float32


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_as_numpy(number):
    expected = float(np.format_float_positional(np.float32(number), unique=True))
    assert np.float32(shortest_float32(number)) == np.float32(number)
    assert len(f"{shortest_float32(number):.9g}") <= len(f"{expected:.9g}")


@pytest.mark.parametrize("number", [2.2, 0.1, 1.0, 123456.78, 1e-7, 0.0, -3.25])
def test_numbers_come_back(number):
    assert nearest_float32(number) == float(np.float32(number))
    assert shortest_float32(nearest_float32(number)) == number


def test_not_a_number():
    assert np.isnan(shortest_float32(float("nan")))
    assert shortest_float32(float("inf")) == float("inf")
