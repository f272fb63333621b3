"""Files on local disks and on every file system that Beam knows (gs://, s3://, hdfs://), alike.

Workers and launcher share files by these functions alone. What is written is complete or absent:
a local file is written aside and renamed, a remote one is uploaded from a temporary file, and
object stores show an object when its upload is complete.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from tagkeras.cli import files
from tagkeras.cli.errors import UserError

# Files that one call to a remote file system may rename or delete.
_CHUNK = 100


class StoredFile(NamedTuple):
    """A file that was found: local path or URI, and size in bytes."""

    path: str
    size: int


def is_remote(path: str) -> bool:
    """Whether a path is a URI."""
    return "://" in path


def absolute(path: str) -> str:
    """The same path for workers, whose current folder may be another one."""
    return path if is_remote(path) else os.path.abspath(path)  # noqa: PTH100 - globs as well


def join(folder: str, *names: str) -> str:
    """The path of something in a folder."""
    return "/".join([folder.rstrip("/") or "/", *names]) if folder else "/".join(names)


def match(pattern: str) -> list[StoredFile]:
    """The files that a glob names, in the order of their names; `**` crosses folders.

    Raises:
        UserError: there is no such file system, or it cannot be looked at.
    """
    try:
        found = FileSystems.match([pattern])[0].metadata_list
    except (BeamIOError, ValueError, OSError, ImportError) as error:
        raise UserError(f"{pattern}: cannot look there: {explain(error)}") from error
    return sorted(StoredFile(metadata.path, metadata.size_in_bytes) for metadata in found)


def exists(path: str) -> bool:
    """Whether there is a file (of a remote file system) or anything (on a local one)."""
    return bool(match(path)) if is_remote(path) else os.path.lexists(path)


def open_input(path: str) -> IO[bytes]:
    """Opens a file to read its bytes as they are.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it cannot be read.
    """
    if not is_remote(path):
        return open(path, "rb")  # noqa: PTH123
    try:
        return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    except (BeamIOError, ValueError, ImportError) as error:
        # Beam wraps whatever the file system said.
        raise OSError(explain(error)) from error


@contextlib.contextmanager
def reading(path: str) -> Iterator[Path]:
    """Yields a local path of a file's content: itself, or a copy that is removed at the end."""
    if not is_remote(path):
        yield Path(path)
        return
    with _temporary(path) as copy:
        _download(path, copy)
        yield copy


@contextlib.contextmanager
def reading_folder(path: str) -> Iterator[Path]:
    """Like `reading`, of a folder with all that is in it."""
    if not is_remote(path):
        yield Path(path)
        return
    with _temporary(path) as copy:
        copy.mkdir()
        for file in match(join(path, "**")):
            _download(file.path, copy / file.path.removeprefix(join(path, "")))
        yield copy


@contextlib.contextmanager
def writing(path: str) -> Iterator[Path]:
    """Yields a local path to write a file or make a folder at; it is moved or uploaded to `path`.

    A folder on a local disk is there at once, a remote one file by file.
    """
    if not is_remote(path):
        with files.written_aside(path) as aside:
            yield aside
        return
    with _temporary(path) as copy:
        yield copy
        if not copy.is_dir():
            _upload(copy, path)
        for file in sorted(copy.rglob("*")):
            if file.is_file():
                _upload(file, join(path, file.relative_to(copy).as_posix()))


def read_text(path: str) -> str:
    """The text of a UTF-8 file."""
    with reading(path) as local:
        return local.read_text(encoding="utf-8")


def write_text(path: str, text: str) -> None:
    """Writes a text file, complete or absent."""
    with writing(path) as local:
        local.write_text(text, encoding="utf-8")


def make_folder(path: str) -> None:
    """Makes a folder; on remote file systems they come with their files."""
    if not is_remote(path):
        Path(path).mkdir(parents=True, exist_ok=True)


def move(targets: dict[str, str]) -> None:
    """Moves remote files, from each key to its value."""
    for sources in _chunks(list(targets)):
        FileSystems.rename(sources, [targets[source] for source in sources])


def remove_folder(path: str) -> None:
    """Removes a folder with all that is in it; nothing if it is absent."""
    if not is_remote(path):
        files.remove(Path(path))
        return
    delete([file.path for file in match(path.rstrip("/") + "/**")])


def delete(paths: Sequence[str]) -> None:
    """Deletes remote files."""
    for chunk in _chunks(paths):
        FileSystems.delete(chunk)


def explain(error: Exception) -> str:
    """What went wrong, in one line and without the class names that Beam puts around it."""
    details = getattr(error, "exception_details", None)
    if isinstance(details, dict) and details:
        error = next(iter(details.values())) or error
    return " ".join(str(error).split()) or type(error).__name__


def _chunks(paths: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(paths), _CHUNK):
        yield list(paths[start : start + _CHUNK])


@contextlib.contextmanager
def _temporary(path: str) -> Iterator[Path]:
    """A local path of the same name, at which there is nothing yet; it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="tagkeras-") as folder:
        yield Path(folder) / path.rstrip("/").rpartition("/")[2]


def _download(path: str, local: Path) -> None:
    local.parent.mkdir(parents=True, exist_ok=True)
    with open_input(path) as source, local.open("wb") as sink:
        shutil.copyfileobj(source, sink, 2**20)


def _upload(local: Path, path: str) -> None:
    with (
        local.open("rb") as source,
        FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as sink,
    ):
        shutil.copyfileobj(source, sink, 2**20)
