"""The files of a dataset to inspect, on any file system, and words for what is wrong with them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from beam.running import storage
from tagkeras.cli.errors import UserError

ValueT = TypeVar("ValueT")

REMEDY = "copy the dataset anew or run python -m beam.preprocess again"
# Characters of what a library says of a damaged record, and of an id, at most.
_MAX_WORDS = 160
# They hold emoji and letters together, and disturb no terminal.
_JOINERS = "\u200c\u200d"


def find_files(folder: str, pattern: str) -> list[str]:
    """The files of a folder that a glob names, in the order of their names.

    Args:
        folder: local or a URI, in which no character is special.
        pattern: of the rest of the path.

    Raises:
        UserError: the file system cannot be looked at.
    """
    # Beam's globs have no way to quote: any character, where a special one is to be found.
    quoted = re.sub(r"[*?\[]", "?", folder)
    start = storage.join(folder, "")
    return [
        file.path
        for file in storage.match(storage.join(quoted, pattern))
        if file.path.startswith(start)
    ]


def load_file(path: str, load: Callable[[Path], ValueT]) -> ValueT:
    """What a function makes of a file; its errors name the file, not a copy of it.

    Raises:
        UserError: the function raised one, or the file cannot be read.
    """
    try:
        with storage.reading(path) as local:
            try:
                return load(local)
            except UserError as error:
                raise UserError(str(error).replace(str(local), path)) from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or storage.explain(error)}: {REMEDY}") from error


def to_words(text: str | bytes) -> str:
    """A text of a dataset, or about it, fit for one line on a terminal."""
    if isinstance(text, bytes):
        text = text.decode(errors="backslashreplace")
    text = "".join(c if c.isprintable() or c in _JOINERS else repr(c)[1:-1] for c in text)
    return text if len(text) <= _MAX_WORDS else f"{text[:_MAX_WORDS]}..."
