"""The web application behind the page, and its web server."""

import asyncio
import dataclasses
import socket
import threading
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from serving.client.flags import make_user
from serving.demo.photos import MAX_BYTES, PhotoError, Photos
from serving.demo.questions import Questions
from tagkeras.cli.errors import UserError
from tagkeras.data.cities import CITIES
from tagkeras.data.facts import GENDERS

_STATIC = Path(__file__).parent / "static"
_PEOPLE = 2
_MAX_QUESTION_BYTES = 2**16
# Uploads are buffered in memory: this many at a time, each within this time; others wait.
_MAX_UPLOADS = 16
_UPLOAD_SECONDS = 120
# Far more than may ask the model or wait for it; further ones are answered 503.
_MAX_CONNECTIONS = 512
# Browsers keep connections open; at the end, they and questions under way get this long.
_GRACE_SECONDS = 1


def build(
    questions: Questions, photos: Photos, *, title: str, server: str, root_path: str = ""
) -> Starlette:
    """The application, with the page at `/` and below `root_path`.

    `title` is the page's heading, and `server` the model server's address, for display.
    """
    description = {
        "title": title,
        "server": server,
        "genders": GENDERS,
        "gallery": [{"photo": key, "image": url} for key, url in photos.thumbnails.items()],
        "maxBytes": MAX_BYTES,
    }
    uploads = asyncio.Semaphore(_MAX_UPLOADS)

    async def describe(request: Request) -> Response:
        facts = await questions.facts(request.is_disconnected)
        return JSONResponse({**description, "facts": [fact._asdict() for fact in facts]})

    async def list_cities(request: Request) -> Response:
        return JSONResponse([dataclasses.asdict(city) for city in CITIES])

    async def show(request: Request) -> Response:
        """A photo of the gallery; those of visitors are not served."""
        path = photos.gallery.get(request.path_params["photo"])
        if path is None or not path.exists():
            raise HTTPException(404)
        return FileResponse(path)

    async def upload(request: Request) -> Response:
        try:
            async with uploads, asyncio.timeout(_UPLOAD_SECONDS):
                return JSONResponse({"photo": photos.add(await request.body())})
        except PhotoError as error:
            raise HTTPException(error.status, str(error)) from error
        except TimeoutError as error:
            raise HTTPException(408, "This photo took too long to arrive.") from error

    async def predict(request: Request) -> Response:
        try:
            question = await request.json()
            key, people = str(question["photo"]), question["people"]
            users = [make_user(one) for one in people]
        except UserError as error:
            raise HTTPException(400, str(error)) from error
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise HTTPException(400, "This is not a question of this page.") from error
        if len(users) != _PEOPLE:
            raise HTTPException(400, f"The page asks about {_PEOPLE} people.")
        photo = photos.get(key)
        if photo is None:
            raise HTTPException(404, "This photo is not here any more. Please choose it again.")
        return JSONResponse(await questions.ask(photo, users, request.is_disconnected))

    routes: list[BaseRoute] = [
        Route("/page.json", describe),
        Route("/cities.json", list_cities),
        Route("/photos", upload, methods=["POST"], max_body_size=MAX_BYTES),
        Route("/photos/{photo}", show),
        Route("/predict", predict, methods=["POST"], max_body_size=_MAX_QUESTION_BYTES),
        Mount("/", StaticFiles(directory=_STATIC, html=True)),
    ]
    if prefix := root_path.strip("/"):
        routes.insert(0, Mount(f"/{prefix}", routes=routes.copy()))
    return Starlette(routes=routes, exception_handlers={HTTPException: _error})


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at a port, 0 for any free one; `UserError` if that fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        problem = error.strerror or str(error)
        raise UserError(f"cannot listen at {host}:{port}: {problem}; try another --port") from error
    return listener


def serve(application: Starlette, listener: socket.socket, stopping: threading.Event) -> None:
    """Serves an ASGI application to a listener's connections until `stopping` is set."""
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            log_config=None,  # leaves the handlers of other libraries open
            log_level="critical",
            access_log=False,
            server_header=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )

    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web server")
    thread.start()
    stopping.wait()
    server.should_exit = True
    thread.join()


async def _error(request: Request, error: Exception) -> Response:
    """The response that the page's script expects for an HTTP error."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
