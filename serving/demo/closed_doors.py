"""What Gradio leaves open to whoever reaches the page, closed."""

import re
from typing import Any

import gradio as gr
from gradio import processing_utils
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tagkeras.cli.errors import UserError

# All that the page's script and browsers themselves ask for. Gradio has more with each version,
# some of which runs programs, fetches addresses or keeps what it is sent; nothing here needs it.
_OPEN = re.compile(
    r"(GET|HEAD) /"
    r"|GET /(config|theme\.css|favicon\.ico|robots\.txt|(assets|static)/.*)"
    r"|GET /gradio_api/(app_id|heartbeat/[^/]+|upload_progress)"
    r"|(GET|HEAD) /gradio_api/file=/.*"  # files by their paths, none by an address
    r"|POST /gradio_api/(run/predict|upload)",
    re.DOTALL,
)
_FETCHING = ("async_ssrf_protected_get", "async_ssrf_protected_download")


class ClosedRoutes:
    """ASGI middleware that answers 403 to every request that the page itself does not make."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        if scope["type"] == "lifespan" or (
            scope["type"] == "http" and _OPEN.fullmatch(f"{scope['method']} {scope['path']}")
        ):
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse("This page does not do that.", 403)(scope, receive, send)


def check_files(page: gr.Blocks) -> None:
    """Has Gradio refuse all files that were not uploaded, wherever a browser names them.

    It does so only for pages that `launch` has started.

    Raises:
        UserError: this Gradio has no such means.
    """
    if not hasattr(page, "has_launched"):
        raise _another_gradio("visitors read files")
    page.has_launched = True


def fetch_nothing() -> None:
    """Has Gradio refuse the addresses that a browser sends in place of files.

    Raises:
        UserError: this Gradio has no such means.
    """
    for name in _FETCHING:
        if not hasattr(processing_utils, name):
            raise _another_gradio("visitors have it fetch addresses")
        setattr(processing_utils, name, _refuse)


async def _refuse(*_: Any, **__: Any) -> Any:
    raise gr.Error("Photos are taken from files, not from addresses.", print_exception=False)


def _another_gradio(what: str) -> UserError:
    return UserError(
        f"Gradio {gr.__version__}, which is installed, would let {what}; the page works with 6.31 "
        "and later ones below 7: pip install 'gradio>=6.31,<7'"
    )
