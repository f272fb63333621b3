"""Numbers and words as the page and its figures show them."""

import shlex
import unicodedata
from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"
# Unicode categories of characters that belong to the one before them: accents, joiners, skin tones.
_JOINING = frozenset({"Mn", "Me", "Mc", "Cf", "Sk"})
_ZERO_WIDTH_JOINER = "\u200d"


def percent(value: float) -> str:
    """36.1%."""
    return f"{100 * value:.1f}%"


def number(value: float, metric: str = "") -> str:
    """A metric without its unit: 36.1 for a fraction, 3.32 for an entropy in bits."""
    text = f"{value:.2f}" if metric.startswith("entropy") else f"{100 * value:.1f}"
    return text.replace("-", MINUS)


def interval(ends: Sequence[float], metric: str = "") -> str:
    """35.0-37.2, or -1.0 to 2.3 where the dash would be read as a minus; as `number`."""
    low, high = (number(end, metric) for end in ends)
    return f"{low} to {high}" if low.startswith(MINUS) else f"{low}\N{EN DASH}{high}"


def points(value: float) -> str:
    """A difference of fractions in percentage points, with its sign: +1.4."""
    text = f"{abs(100 * value):.1f}"
    if float(text) == 0:
        return "0.0"
    return f"{'+' if value > 0 else MINUS}{text}"


def p_value(value: float) -> str:
    """A p-value: p < 0.001, p = 0.012, p = 0.50."""
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"


def count(value: float) -> str:
    """32,000."""
    return f"{value:,.0f}"


def compact(value: float) -> str:
    """A count in few characters: 950, 1.2k, 35k, 4.6M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}" if value < limit * 1000 else f"{value:.3g}"
    return f"{value:.3g}"


def plural(value: int, one: str) -> str:
    """1 post, 32,000 posts."""
    return f"{value:,} {one}{'' if value == 1 else 's'}"


def joined(words: Sequence[str]) -> str:
    """The words as a list in a sentence: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def person(age: float | None, gender: str | None, country: str | None) -> str:
    """Who posted, as far as it is known: female, 34, GB."""
    known = [gender, "" if age is None or age != age else f"{age:.0f}", country]
    return ", ".join(word for word in known if word) or "unknown"


def slug(name: str) -> str:
    """A name as a part of an id: letters, digits and hyphens."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)


def shorten(text: str, max_length: int = 40) -> str:
    """Text without characters that XML forbids, cut with an ellipsis if it is long.

    A combining or joining character stays with the one before it: no emoji or accented letter is
    cut apart.
    """
    clean = "".join(c if unicodedata.category(c) not in ("Cc", "Cs", "Cn") else " " for c in text)
    if len(clean) <= max_length:
        return clean
    end = max_length - 1
    while end > 1 and (
        unicodedata.category(clean[end]) in _JOINING or clean[end - 1] == _ZERO_WIDTH_JOINER
    ):
        end -= 1
    return clean[:end] + "…"


def command_lines(argv: Sequence[str]) -> str:
    """A command as a shell takes it, a new line for each flag."""
    return "".join(
        f" \\\n    {shlex.quote(word)}" if word.startswith("--") else f" {shlex.quote(word)}"
        for word in argv
    ).strip()
