"""How much visitors may send: in a request, at the same time, and in photos that are kept."""

import os
from pathlib import Path

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.demo.photos import MAX_BYTES
from serving.demo.troubles import CROWDED

MAX_KEPT_BYTES = 2**30

# Some 70 questions wait for the model (see page.py); what else the page asks is answered at once.
_MAX_BODIES = 256

_UPLOAD = "/gradio_api/upload"
_MAX_OTHER_BYTES = 2**20
_FORM_BYTES = 2**16  # what a form adds to a photo
_BLOCK_BYTES = 512  # the unit of `st_blocks`

_NO_LENGTH = "This page takes only requests that say how long they are."
_TOO_LONG = f"This is too large. Please take one photo of at most {MAX_BYTES // 2**20} MB."
_FULL = "There is no room for another photo here now. Please try again in an hour."


class BoundedBodies:
    """ASGI middleware that refuses POST requests that are too large or too many.

    It answers 411 to a body of unknown length, 413 to one that is too long, 507 to a photo that
    would bring the folder beyond its limit, and 503 while too many requests are under way.

    Args:
        app: gets all other requests.
        folder: where photos lie.
        max_kept_bytes: that the folder may take on the disk.
        max_bodies: requests with a body that are under way at the same time.
    """

    def __init__(
        self, app: ASGIApp, folder: Path, max_kept_bytes: int, max_bodies: int = _MAX_BODIES
    ) -> None:
        self._app = app
        self._folder = folder
        self._max_kept_bytes = max_kept_bytes
        self._max_bodies = max_bodies
        self._bodies = 0
        self._coming_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
        elif self._bodies >= self._max_bodies:
            # The page's script shows the message of such an answer.
            await JSONResponse({"error": CROWDED}, 503)(scope, receive, send)
        else:
            self._bodies += 1
            try:
                await self._take(scope, receive, send)
            finally:
                self._bodies -= 1

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        is_upload = scope["path"] == _UPLOAD
        # With a transfer encoding the length would not count.
        if not length.isdecimal() or "transfer-encoding" in headers:
            await PlainTextResponse(_NO_LENGTH, 411)(scope, receive, send)
        elif int(length) > (MAX_BYTES + _FORM_BYTES if is_upload else _MAX_OTHER_BYTES):
            await PlainTextResponse(_TOO_LONG, 413)(scope, receive, send)
        elif is_upload:
            await self._upload(int(length), scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _upload(self, length: int, scope: Scope, receive: Receive, send: Send) -> None:
        self._coming_bytes += length
        try:
            kept = await anyio.to_thread.run_sync(_bytes_of, self._folder)
            if kept + self._coming_bytes > self._max_kept_bytes:
                # A browser looks at the answer only when it has sent all.
                while (await receive()).get("more_body", False):
                    pass
                await PlainTextResponse(_FULL, 507)(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        finally:
            self._coming_bytes -= length


def _bytes_of(folder: Path) -> int:
    """What a folder takes on the disk: many small files take more than their sizes."""
    blocks = 0
    for parent, _, names in os.walk(folder):
        for path in (parent, *(os.path.join(parent, name) for name in names)):  # noqa: PTH118
            try:
                blocks += os.lstat(path).st_blocks
            except FileNotFoundError:  # deleted just now
                continue
    return blocks * _BLOCK_BYTES
