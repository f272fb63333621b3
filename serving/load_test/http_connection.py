"""HTTP/1.1 over one connection that is kept, without more of the protocol than a server's API has.

Libraries that do more take longer for a request than a small model does.
"""

import asyncio
import ssl

# A head, which is all that is read without knowing how long it is.
_MAX_HEAD_BYTES = 2**16


class ConnectionClosedError(ConnectionError):
    """The peer closed the connection before any byte of an answer came."""


class HttpConnection:
    """A connection that sends a request and reads its answer, one at a time.

    Attributes:
        is_open: whether it may be used again.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.is_open = True

    @classmethod
    async def open(cls, host: str, port: int, context: ssl.SSLContext | None) -> "HttpConnection":
        """Connects; raises `OSError`, `ssl.SSLError` among them, if that fails."""
        return cls(*await asyncio.open_connection(host, port, ssl=context, limit=_MAX_HEAD_BYTES))

    async def exchange(self, message: bytes) -> tuple[int, bytes]:
        """Sends a request and waits for its answer.

        Args:
            message: head and body.

        Returns:
            The status code and the body.

        Raises:
            ConnectionClosedError: the connection was closed before any of the answer came.
            ConnectionError: the connection broke later, or the answer is no HTTP.
        """
        self.is_open = False  # until all is read: who is stopped before that leaves it unusable
        first = await self._first_byte(message)
        try:
            head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head.rstrip().split("\r\n")
            fields = dict(_field(line) for line in lines)
            body = await self._read_body(fields)
            status = int(status_line.split(" ")[1])
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ConnectionError("the connection was closed before the answer's end") from error
        except (ValueError, LookupError) as error:
            raise ConnectionError("the answer is no HTTP") from error
        if fields.get("connection", "").lower() == "close":
            self.close()
        else:
            self.is_open = True
        return status, body

    def close(self) -> None:
        """Closes the connection."""
        self.is_open = False
        self._writer.close()

    async def _first_byte(self, message: bytes) -> bytes:
        try:
            self._writer.write(message)
            await self._writer.drain()
            first = await self._reader.read(1)
        except ConnectionError as error:
            raise ConnectionClosedError(str(error)) from error
        if not first:
            raise ConnectionClosedError("the connection was closed without an answer")
        if first != b"H":
            raise ConnectionError("the answer is no HTTP; is it the port of the gRPC API?")
        return first

    async def _read_body(self, fields: dict[str, str]) -> bytes:
        if fields.get("transfer-encoding", "").lower() != "chunked":
            return await self._reader.readexactly(int(fields["content-length"]))
        parts = []
        while size := int((await self._reader.readline()).split(b";")[0], 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readline()
        while (await self._reader.readline()).strip():  # trailers
            pass
        return b"".join(parts)


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
