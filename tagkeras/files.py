"""Output that is complete or absent: written aside, then renamed into place."""

import contextlib
import ctypes
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

# Of Linux's renameat2: the file descriptor that stands for the working directory, and the flag.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextlib.contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a sibling path to write a file or folder to; renames it to `path` at the end.

    A file or folder at `path` is replaced in one step (a folder in two where the file system cannot
    exchange them). If the block raises, what it wrote is removed and `path` stays as it was. Parent
    folders are made.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = _sibling(target)
    try:
        yield aside
        _replace(target, aside)
    except BaseException:
        remove(aside)
        raise


@contextlib.contextmanager
def folder_written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Like `written_aside` of a folder, which is made, and cleans up after killed runs.

    A killed process leaves a sibling folder behind. The next one to write the same folder removes
    it, unless whoever made it still runs, which a lock on the folder tells.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _clean_up(target)
    with written_aside(target) as aside:
        aside.mkdir()
        with _locked(aside):
            yield aside


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


def exchange(one: Path, other: Path) -> bool:
    """Makes two paths change places in one step; False if this system or disk cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    paths = [os.fsencode(one), os.fsencode(other)]
    return rename(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0


def _replace(target: Path, aside: Path) -> None:
    if not (aside.is_dir() and target.exists()):
        aside.replace(target)
        return
    old = aside
    if not exchange(aside, target):
        old = _sibling(target, "old")
        target.rename(old)
        aside.rename(target)
    remove(old)


def _sibling(target: Path, suffix: str = "tmp") -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.{suffix}")


def _clean_up(target: Path) -> None:
    """Removes what killed runs left beside `target`; puts back what one had moved away."""
    siblings = list(target.parent.iterdir())
    for sibling in siblings:
        if not sibling.name.startswith(f".{target.name}.") or not sibling.is_dir():
            continue
        if sibling.suffix == ".old":
            if target.exists():
                remove(sibling)
            else:
                sibling.rename(target)
        elif sibling.suffix == ".tmp":
            with _locked(sibling, wait=False) as is_abandoned:
                if is_abandoned:
                    remove(sibling)


@contextlib.contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock of a folder; yields False if another has it, or if there is no such thing."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:  # held by another, or a network disk without locks
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
