import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.client import float32


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_as_numpy(number):
    expected = float(np.format_float_positional(np.float32(number), unique=True))
    assert np.float32(float32.shortest(number)) == np.float32(number)
    assert len(f"{float32.shortest(number):.9g}") <= len(f"{expected:.9g}")


@pytest.mark.parametrize("number", [2.2, 0.1, 1.0, 123456.78, 1e-7, 0.0, -3.25])
def test_numbers_come_back(number):
    assert float32.nearest(number) == float(np.float32(number))
    assert float32.shortest(float32.nearest(number)) == number


def test_not_a_number():
    assert np.isnan(float32.shortest(float("nan")))
    assert float32.shortest(float("inf")) == float("inf")
