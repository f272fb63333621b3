"""Numbers as the page shows them."""

from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"


def percent(value: float) -> str:
    """36.1%."""
    return f"{100 * value:.1f}%"


def number(value: float, metric: str = "") -> str:
    """A metric: entropies in bits, everything else in percent without the sign."""
    return f"{value:.2f}" if metric.startswith("entropy") else f"{100 * value:.1f}"


def interval(bounds: Sequence[float], metric: str = "") -> str:
    """35.0 to 37.2, in the unit of `number`."""
    low, high = bounds
    return f"{number(low, metric)}\N{EN DASH}{number(high, metric)}"


def points(value: float) -> str:
    """A difference of fractions in percentage points, with its sign."""
    text = f"{abs(100 * value):.1f}"
    if float(text) == 0:
        return "0.0"
    return f"{'+' if value > 0 else MINUS}{text}"


def points_interval(low: float, high: float) -> str:
    """[+1.2, +3.4], in percentage points."""
    return f"[{points(low)}, {points(high)}]"


def p_value(value: float) -> str:
    """P < 0.001, or p = 0.03 to as many digits as tell."""
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"


def count(value: float) -> str:
    """32,000."""
    return f"{value:,.0f}"


def plural(value: int, one: str, many: str | None = None) -> str:
    """1 post, 32,000 posts."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def joined(words: Sequence[str], last: str = "and") -> str:
    """A, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def person(age: float | None, gender: str, country: str) -> str:
    """Who posted: what is known of them."""
    known = [gender, "" if age is None or age != age else f"{age:.0f}", country]
    return ", ".join(word for word in known if word) or "says nothing of themselves"
