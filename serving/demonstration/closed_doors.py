"""What Gradio leaves open to whoever reaches the page, closed."""

import re
from typing import Any

import gradio as gr
from gradio import processing_utils
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# Through them the page would fetch addresses for others, or keep what they show.
_CLOSED = re.compile(r"/gradio_api/(proxy=|deep_link|file[=/]\s*https?:)", re.IGNORECASE)
_FETCHING = ("async_ssrf_protected_get", "async_ssrf_protected_download")


class ClosedRoutes:
    """ASGI middleware that answers 403 where Gradio would fetch an address for a visitor."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes the request on."""
        if scope["type"] == "http" and _CLOSED.search(scope["path"]):
            await PlainTextResponse("This page does not do that.", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def check_files(page: gr.Blocks) -> None:
    """Has Gradio refuse all files that were not uploaded, wherever a browser names them.

    It does so only for pages that `launch` has started.
    """
    if not hasattr(page, "has_launched"):
        raise RuntimeError("this Gradio would let visitors read files; install another version")
    page.has_launched = True


def fetch_nothing() -> None:
    """Has Gradio refuse the addresses that a browser sends in place of files."""
    for name in _FETCHING:
        if not hasattr(processing_utils, name):
            raise RuntimeError(f"Gradio has no {name}: install another version")
        setattr(processing_utils, name, _refuse)


async def _refuse(*_: Any, **__: Any) -> Any:
    raise gr.Error("Photos are taken from files, not from addresses.", print_exception=False)
