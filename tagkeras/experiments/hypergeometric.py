"""The exact law of how many of a sample are of a kind, drawn without replacement."""

import math


def at_least(observed: int, *, total: int, of_kind: int, drawn: int) -> float:
    """The probability that `observed` or more of the drawn are of the kind.

    Args:
        observed: how many were.
        total: things to draw from.
        of_kind: how many of them are of the kind.
        drawn: how many are drawn.
    """
    most = min(of_kind, drawn)
    ways = sum(
        math.comb(of_kind, k) * math.comb(total - of_kind, drawn - k)
        for k in range(max(observed, 0), most + 1)
        if drawn - k <= total - of_kind
    )
    return ways / math.comb(total, drawn)


def at_most(observed: int, *, total: int, of_kind: int, drawn: int) -> float:
    """The probability that `observed` or fewer of the drawn are of the kind."""
    return at_least(drawn - observed, total=total, of_kind=total - of_kind, drawn=drawn)


def share_interval(observed: int, drawn: int) -> tuple[float, float]:
    """The 95% interval of a share, by Wilson's score.

    Args:
        observed: how many of the drawn are of the kind.
        drawn: how many there are, at least 1.

    References:
        Wilson, "Probable inference, the law of succession, and statistical inference" (JASA, 1927).
    """
    z = 1.959964
    share = observed / drawn
    middle = (share + z * z / (2 * drawn)) / (1 + z * z / drawn)
    half = z * math.sqrt(share * (1 - share) / drawn + (z / (2 * drawn)) ** 2)
    half /= 1 + z * z / drawn
    return middle - half, middle + half
