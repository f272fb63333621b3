"""The page as a web application, with all of Gradio's that asks others switched off."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from gradio.utils import get_upload_folder

from serving.demo import closed_doors, look, page
from serving.demo.asking import Asking
from serving.demo.body_limits import MAX_KEPT_BYTES, BoundedBodies
from serving.demo.photos import MAX_BYTES


def build(
    asking: Asking,
    *,
    title: str,
    examples: Sequence[Path] = (),
    root_path: str = "",
    max_kept_bytes: int = MAX_KEPT_BYTES,
) -> FastAPI:
    """The page at /.

    Args:
        asking: gives the answers.
        title: heading of the page.
        examples: photos to choose from.
        root_path: the path under which a proxy passes the page on.
        max_kept_bytes: that all photos may take which are kept at the same time.

    Raises:
        UserError: this version of Gradio would leave doors open.
    """
    closed_doors.fetch_nothing()
    blocks = page.build(asking, title, examples)
    application = FastAPI(openapi_url=None)
    application.add_middleware(
        BoundedBodies, folder=Path(get_upload_folder()), max_kept_bytes=max_kept_bytes
    )
    application.add_middleware(closed_doors.ClosedRoutes)  # the outer one
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
