"""Hashtags as they are stored, counted and answered."""

import functools
import re
import unicodedata
from pathlib import Path

from tagkeras.cli.errors import UserError

# Longer ones are no hashtags; nobody would type them.
MAX_LENGTH = 200

# A leading # belongs to the tag only in the keycap emoji, which starts with it.
_LEADING_HASHES = re.compile(r"(?:#(?!\ufe0f?\u20e3)|\s)+")
_CONTROL_CATEGORIES = frozenset({"Cc", "Cs"})

# What a hashtag may depend on, where the world that posts were drawn from is known.
KINDS = {
    "image": "what the photo shows",
    "user": "who posts it",
    "both": "the two together",
    "neither": "neither: anybody, on anything",
}


def normalize(hashtag: str) -> str:
    """The form in which a hashtag is stored: NFKC, case-folded, without leading # and spaces.

    Runs of white space inside become one space. Normalising twice changes nothing.

    Args:
        hashtag: as a person typed it.

    Returns:
        The normalised hashtag, or "" if it is refused: nothing is left, it has control characters
        or lone surrogates, or more than `MAX_LENGTH` characters.

    Example:
        >>> normalize(" #FootBall")
        'football'
    """
    # Not cached: a few long ones would fill the memory.
    return _normalize_short(hashtag) if len(hashtag) <= MAX_LENGTH else ""


def read_tag_list(path: str | Path, flag: str) -> frozenset[str]:
    """The hashtags of a UTF-8 file, one a line, normalised; errors name the flag.

    Raises:
        UserError: the file cannot be read, or a line is no hashtag.
    """
    tags = set()
    for number, line in enumerate(_read(path, f"--{flag}={path}").split("\n"), 1):
        tag = normalize(line)
        if line.strip() and not tag:
            raise UserError(f"--{flag}={path}, line {number}: no hashtag")
        tags.add(tag)
    return frozenset(tags - {""})


def read_hashtag_kinds(path: Path) -> dict[str, str]:
    """The kind, one of `KINDS`, by hashtag: lines of `hashtag<TAB>kind` of `tagkeras.synthetic`.

    Raises:
        UserError: the file cannot be read, or a line does not fit.
    """
    kinds = {}
    for number, line in enumerate(_read(path, str(path)).splitlines(), start=1):
        hashtag, tab, kind = line.rpartition("\t")
        if not tab or kind not in KINDS:
            raise UserError(
                f"{path}, line {number}: not a hashtag, a tab and one of {', '.join(KINDS)}"
            )
        kinds[hashtag] = kind
    return kinds


def _read(path: str | Path, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: not UTF-8") from error


@functools.lru_cache(maxsize=2**18)
def _normalize_short(hashtag: str) -> str:
    tag = _normalize_once(hashtag)
    # Case-folding may undo NFKC and NFKC may bring up another #: go on until nothing changes.
    while (again := _normalize_once(tag)) != tag:
        tag = again
    if len(tag) > MAX_LENGTH:
        return ""
    if tag.isascii() and tag.isprintable():
        return tag
    if any(unicodedata.category(character) in _CONTROL_CATEGORIES for character in tag):
        return ""
    return tag


def _normalize_once(tag: str) -> str:
    tag = tag.lower() if tag.isascii() else _fold(tag)
    if leading := _LEADING_HASHES.match(tag):
        tag = tag[leading.end() :]
    return " ".join(tag.split())


def _fold(tag: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tag).casefold())
