"""Text files of one row a line, plain or compressed."""

import bz2
import gzip
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

from beam.posts.rows import BLOCK_BYTES, FileRange, InputFile, Row, RowBlock
from beam.running import storage

# Plain text is read in ranges of about this size, in parallel.
RANGE_BYTES = 64 * 2**20
# Posts of images take a hundred times as long each, so that ranges of fewer make work for all.
IMAGE_RANGE_BYTES = 2**16
# A longer line is no row: read at once, it could fill the memory.
MAX_LINE_BYTES = 64 * 2**20

_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], Any]] = {".gz": gzip.open, ".bz2": bz2.open}


def split_lines(file: InputFile, range_bytes: int | None = None) -> Iterator[FileRange]:
    """The ranges of a text file: any one reading of all of them sees each line once.

    Args:
        file: to split; a compressed one is one range.
        range_bytes: size of a range; by default `RANGE_BYTES`.
    """
    range_bytes = range_bytes or RANGE_BYTES
    if file.path.endswith(tuple(_DECOMPRESSORS)):
        yield FileRange(file, 0, None)
        return
    for start in range(0, file.size, range_bytes):
        yield FileRange(file, start, min(start + range_bytes, file.size))


def read_lines(
    part: FileRange, parse: Callable[[bytes], Row], block_rows: int
) -> Iterator[RowBlock]:
    """The rows of a range, in blocks that depend on the file alone; blank lines are none.

    Args:
        part: of a text file.
        parse: from a line to a row, or to what is wrong with it.
        block_rows: in a block, at most.

    Raises:
        OSError: the file cannot be read or decompressed (EOFError if it ends too early).
    """
    block, size = RowBlock(part.file, [], []), 0
    for position, line in _lines(part):
        text = line.removeprefix(b"\xef\xbb\xbf") if position == 0 else line
        if not text.strip():
            continue
        block.positions.append(position)
        is_row = len(line) <= MAX_LINE_BYTES
        block.rows.append(parse(text) if is_row else f"a line of over {MAX_LINE_BYTES:,} bytes")
        size += len(text)
        if len(block.rows) >= block_rows or size >= BLOCK_BYTES:
            yield block
            block, size = RowBlock(part.file, [], []), 0
    if block.rows:
        yield block


def _lines(part: FileRange) -> Iterator[tuple[int, bytes]]:
    """The lines that begin in a range, and where; of one that is too long, the beginning."""
    with _open(part.file.path) as stream:
        position = part.start
        if position:
            # A line belongs to the range that its first byte is in.
            stream.seek(position - 1)
            position += _skip_line(stream) - 1
        while part.stop is None or position < part.stop:
            line = stream.readline(MAX_LINE_BYTES + 1)
            if not line:
                return
            yield position, line
            position += len(line)
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                position += _skip_line(stream)


def _skip_line(stream: IO[bytes]) -> int:
    """Reads to the end of a line; gives the bytes read."""
    skipped = 0
    while part := stream.readline(2**20):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def _open(path: str) -> IO[bytes]:
    stream = storage.open_input(path)
    for suffix, decompress in _DECOMPRESSORS.items():
        if path.endswith(suffix):
            return cast(IO[bytes], decompress(stream))
    return stream
