"""The page as a web application, with all of Gradio's that asks others switched off."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from serving.demonstration import closed_doors, look, page
from serving.demonstration.asking import Asking
from serving.demonstration.photos import MAX_BYTES


def build(
    asking: Asking, *, title: str, examples: Sequence[Path] = (), root_path: str = ""
) -> FastAPI:
    """The page at /.

    Args:
        asking: gives the answers.
        title: heading of the page.
        examples: photos to choose from.
        root_path: the path under which a proxy passes the page on.
    """
    closed_doors.fetch_nothing()
    blocks = page.build(asking, title, examples)
    application = FastAPI(openapi_url=None)
    application.add_middleware(closed_doors.ClosedRoutes)
    gr.mount_gradio_app(
        application,
        blocks,
        path="/",
        root_path=root_path or None,
        max_file_size=MAX_BYTES,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        theme=look.theme(),
        css=look.style(),
    )
    closed_doors.check_files(blocks)
    return application
