"""Single-precision numbers without NumPy, which takes longer to import than a request takes."""

import struct

_MOST_DIGITS = 9  # that any float32 needs


def nearest(number: float) -> float:
    """The float32 next to a number."""
    (rounded,) = struct.unpack("f", struct.pack("f", number))
    return float(rounded)


def shortest(number: float) -> float:
    """The number of fewest decimal digits that has the same nearest float32."""
    target = nearest(number)
    for digits in range(1, _MOST_DIGITS):
        short = float(f"{target:.{digits}g}")
        if nearest(short) == target:
            return short
    return float(f"{target:.{_MOST_DIGITS}g}")
