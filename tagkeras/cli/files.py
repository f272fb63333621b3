"""Output that is complete or absent: written aside, then renamed into place."""

import contextlib
import ctypes
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from tagkeras.cli.errors import UserError

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
    with _put_in_place(target, aside):
        yield aside


@contextlib.contextmanager
def folder_written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Like `written_aside` of a folder, which is made, and cleans up after killed runs.

    A killed process leaves a sibling folder behind. The next one to write the same folder removes
    it, unless the lock on it shows that its process still runs. A link is followed.
    """
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    _clean_up(target)
    with _own_folder(target) as aside, _put_in_place(target, aside):
        yield aside


@contextlib.contextmanager
def files_written_aside(folder: str | os.PathLike[str], *, last: str) -> Iterator[Path]:
    """Yields a folder to write files to, which are then moved to `folder`; its other files stay.

    The file `last` marks a complete set: an earlier one is removed before the others are
    replaced, and the new one comes after them. If the block raises, `folder` stays as it was. What
    a killed process left in it is removed, as `folder_written_aside` does.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    _clean_up(target / last)
    with _own_folder(target / last) as aside:
        try:
            yield aside
            (target / last).unlink(missing_ok=True)
            for path in sorted(aside.iterdir(), key=lambda path: path.name == last):
                path.replace(target / path.name)
        finally:
            remove(aside)


@contextlib.contextmanager
def locked(folder: str | os.PathLike[str], *, busy: str) -> Iterator[None]:
    """Locks a folder for the block, or until the process ends; does nothing on disks without locks.

    Raises:
        UserError: another process has locked it; the message is `busy`.
    """
    descriptor, is_held = _lock(folder, wait=False)
    try:
        if is_held is False:
            raise UserError(busy)
        yield
    finally:
        os.close(descriptor)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a text file in one step: readers see the old content or the new, never a part."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def remove(path: Path) -> None:
    """Removes a file or a folder, whichever `path` is; nothing if it is absent.

    Another process may remove it at the same time.
    """
    while os.path.lexists(path):
        with contextlib.suppress(FileNotFoundError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def exchange(one: Path, other: Path) -> bool:
    """Makes two paths change places in one step; False if this system or disk cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    paths = [os.fsencode(one), os.fsencode(other)]
    return rename(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0


@contextlib.contextmanager
def _put_in_place(target: Path, aside: Path) -> Iterator[None]:
    """Replaces `target` by `aside` after the block; removes `aside` if anything is raised."""
    try:
        yield
        _replace(target, aside)
    except BaseException:
        remove(aside)
        raise


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
    for sibling in list(target.parent.iterdir()):
        if not sibling.name.startswith(f".{target.name}.") or not sibling.is_dir():
            continue
        # Another run may be cleaning up as well.
        with contextlib.suppress(FileNotFoundError):
            if sibling.suffix == ".old":
                if target.exists():
                    remove(sibling)
                else:
                    sibling.rename(target)
            elif sibling.suffix == ".tmp":
                descriptor, is_abandoned = _lock(sibling, wait=False)
                try:
                    if is_abandoned:
                        remove(sibling)
                finally:
                    os.close(descriptor)


@contextlib.contextmanager
def _own_folder(target: Path) -> Iterator[Path]:
    """Makes a folder beside `target` and holds its lock, wherever the folder is moved."""
    while True:
        aside = _sibling(target)
        aside.mkdir()
        # Before it is locked, another run may take it for abandoned: then there is another one.
        try:
            descriptor, _ = _lock(aside, wait=True)
        except FileNotFoundError:
            continue
        if aside.exists():
            break
        os.close(descriptor)
    try:
        yield aside
    finally:
        os.close(descriptor)


def _lock(folder: str | os.PathLike[str], *, wait: bool) -> tuple[int, bool | None]:
    """Locks a folder for as long as the descriptor that it gives is open.

    Returns:
        The descriptor, and whether it holds the lock, or another process; None if the disk has no
        locks.

    Raises:
        FileNotFoundError: the folder is gone.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return descriptor, False
    except OSError:
        return descriptor, None
    return descriptor, True
