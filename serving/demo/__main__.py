"""Shows a served model on a page: one photo, two people, and their hashtags side by side.

    python -m serving.demo --server=localhost:8500 --model_name=hashtags --photos=world/images/0000
    python -m serving.demo --server=http://localhost:8501 --model_name=hashtags

The first asks over gRPC, the second over REST. Open http://127.0.0.1:7860 in a browser; Ctrl-C ends
it. The page fetches nothing from anywhere else, and photos stay on this machine and the server's.
"""

import dataclasses
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
    root_path: str = option("", help="path that a proxy leaves in its requests, such as /demo")
    open: bool = option(False, help="open the page in a browser")


def main(config: Config) -> None:
    """Serves the page until a signal."""
    stopping = stop_signals()
    try:
        from serving.demo import application
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise UserError(f"the page needs {error.name}: pip install 'tagkeras[demo]'") from error
    from serving.demo.photos import Photos, find_gallery
    from serving.demo.questions import Questions

    photos = Photos(find_gallery(config.photos))
    with application.listen(config.host, config.port) as listener, config.connect() as client:
        page = application.build(
            Questions(client),
            photos,
            title=config.title,
            server=config.server,
            root_path=config.root_path,
        )
        url = _url(config.host, listener.getsockname()[1])
        print(
            f"{config.model_name} at {config.server} is shown at {url} (Ctrl-C ends it)", flush=True
        )
        if config.open:
            webbrowser.open(url)
        application.serve(page, listener, stopping)


def _url(host: str, port: int) -> str:
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    run(main, Config)
