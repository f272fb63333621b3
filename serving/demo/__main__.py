"""Shows a served model on a page: one photo, two people, and their hashtags side by side.

    python -m serving.demo --server=localhost:8500 --model_name=hashtags --photos=world/images/0000
    python -m serving.demo --server=http://localhost:8501 --model_name=hashtags

The first asks over gRPC, the second over REST. Open http://127.0.0.1:7860 in a browser; Ctrl-C ends
it. The page fetches nothing from anywhere else, and photos stay on this machine and the server's.
"""

import contextlib
import dataclasses
import os
import sys
import tempfile
import warnings
import webbrowser

from serving.client.flags import ServerFlags
from serving.stop_signals import stop_signals
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError

_MAX_PORT = 2**16 - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(ServerFlags):
    """Flags of the page."""

    timeout: float = option(10.0, help="seconds to wait for an answer", minimum=0.001)
    photos: str | None = option(
        None, help="photos to choose from: a folder, or a pattern such as 'photos/*.jpg'"
    )
    title: str = option("Who would tag it how?", help="heading of the page")
    host: str = option("127.0.0.1", help="address to listen at; 0.0.0.0 is all of this machine's")
    port: int = option(7860, help="port of the page; 0 is any", minimum=0, maximum=_MAX_PORT)
    root_path: str = option("", help="path under which a proxy passes the page on, such as /demo")
    open: bool = option(False, help="open the page in a browser")


def main(config: Config) -> None:
    """Serves the page until a signal."""
    stopping = stop_signals()
    with contextlib.ExitStack() as stack:
        # Gradio looks at these when it is imported: what is uploaded lies in a folder that only
        # this user can read and that goes with the process, and nobody is told of anything.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tagkeras-demo-"))
        os.environ["GRADIO_TEMP_DIR"] = folder
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        try:
            import gradio  # noqa: F401 - whether it is there at all
        except ImportError as error:
            raise UserError("the page needs Gradio: pip install 'tagkeras[demo]'") from error
        from PIL import Image

        from serving.demo import photos, web_application, web_server
        from serving.demo.asking import Asking

        # The page has a limit of its own for the pixels of a photo.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        examples = photos.find_examples(config.photos)
        listener = stack.enter_context(web_server.listen(config.host, config.port))
        client = stack.enter_context(config.connect())
        application = web_application.build(
            Asking(client, config.server, config.model_name),
            title=config.title,
            examples=examples,
            root_path=config.root_path,
        )
        url = _url(config.host, listener.getsockname()[1])
        stack.enter_context(web_server.serving(application, listener, on_end=stopping.set))
        print(
            f"{config.model_name} at {config.server} is shown at {url} (Ctrl-C ends it)", flush=True
        )
        if config.open:
            webbrowser.open(url)
        stopping.wait()
    sys.exit(0)


def _url(host: str, port: int) -> str:
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    # gRPC would log what the page tells anyway. It looks at this once, when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    run(main, Config)
