"""Words in figures: hashtags as they are, numbers short."""

import unicodedata


def shown(text: str, max_length: int = 40) -> str:
    """Text without characters that XML has no place for, cut with an ellipsis if it is long.

    A combining or joining character stays with the one before it, so that no emoji or accented
    letter is cut apart.
    """
    clean = "".join(c if unicodedata.category(c) not in ("Cc", "Cs", "Cn") else " " for c in text)
    if len(clean) <= max_length:
        return clean
    end = max_length - 1
    while end > 1 and (_joins(clean[end]) or clean[end - 1] == "\u200d"):
        end -= 1
    return clean[:end] + "…"


def shown_tag(tag: str, max_length: int = 22) -> str:
    """A hashtag with its #."""
    return shown(f"#{tag}", max_length)


def compact(number: float) -> str:
    """A count in few characters: 950, 1.2k, 35k, 4.6M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.3g}{unit}" if number < limit * 1000 else f"{number:.3g}"
    return f"{number:.3g}"


def percent(fraction: float, decimals: int = 1) -> str:
    """A fraction as 12.3%."""
    return f"{100 * fraction:.{decimals}f}%"


def _joins(character: str) -> bool:
    """Whether a character belongs to the one before it: marks, joiners, skin tones, selectors."""
    return unicodedata.combining(character) > 0 or unicodedata.category(character) in (
        "Mn",
        "Me",
        "Mc",
        "Cf",
        "Sk",
    )
