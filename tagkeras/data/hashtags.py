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
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UserError(f"--{flag}={path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"--{flag}={path}: not UTF-8") from error
    tags = set()
    for number, line in enumerate(lines, 1):
        tag = normalize(line)
        if line.strip() and not tag:
            raise UserError(f"--{flag}={path}, line {number}: no hashtag")
        tags.add(tag)
    return frozenset(tags - {""})


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
