"""Output that is complete or absent: written aside, then renamed into place."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a sibling path to write a file or folder to; renames it to `path` at the end.

    A file at `path` is replaced in one step. A folder at `path` is moved out of the way first and
    removed after the new one stands there. If the block raises, what it wrote is removed and
    `path` stays as it was. Parent folders are made.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield aside
        if aside.is_dir() and target.exists():
            old = target.with_name(f".{target.name}.{secrets.token_hex(4)}.old")
            target.rename(old)
            aside.rename(target)
            remove(old)
        else:
            aside.replace(target)
    except BaseException:
        remove(aside)
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a text file in one step: readers see the old content or the new, never a part."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def remove(path: Path) -> None:
    """Removes a file or a folder, whichever `path` is; nothing if it is absent."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
