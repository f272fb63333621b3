"""How much a visitor may send to the page: the limits alone, and on the page's own socket."""

import asyncio
import http.client

import httpx
import pytest
from serving_helpers import photo

from serving.demo import web_server
from serving.demo.body_limits import BoundedBodies
from serving.demo.photos import MAX_BYTES

UPLOAD = "/gradio_api/upload"
RUN = "/gradio_api/run/predict"


class Inner:
    """An application that keeps what it is sent as files of a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.bodies = 0

    async def __call__(self, scope, receive, send):
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message.get("more_body", False):
                break
        self.bodies += 1
        (self.folder / str(self.bodies)).write_bytes(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"kept"})


@pytest.fixture
def inner(tmp_path):
    return Inner(tmp_path)


def post(application, path, *bodies, **options):
    """The answers to requests that are sent at once."""

    async def send():
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await asyncio.gather(
                *(client.post(path, content=body, **options) for body in bodies)
            )

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("path", "most"), [(UPLOAD, MAX_BYTES + 2**16), (RUN, 2**20), ("/other", 2**20)]
)
def test_a_body_has_a_limit(inner, path, most):
    application = BoundedBodies(inner, inner.folder, max_kept_bytes=2**30)
    (enough,) = post(application, path, bytes(most))
    assert (enough.status_code, inner.bodies) == (200, 1)
    (too_long,) = post(application, path, bytes(most + 1))
    assert (too_long.status_code, inner.bodies) == (413, 1)
    assert "at most 20 MB" in too_long.text


@pytest.mark.parametrize("path", [UPLOAD, RUN])
def test_a_body_of_unknown_length_is_refused(inner, path):
    async def parts():
        yield b"a"

    application = BoundedBodies(inner, inner.folder, max_kept_bytes=2**30)
    (answer,) = post(application, path, parts())
    assert (answer.status_code, inner.bodies) == (411, 0)
    (answer,) = post(
        application, path, b"a", headers={"Transfer-Encoding": "chunked", "Content-Length": "1"}
    )
    assert (answer.status_code, inner.bodies) == (411, 0)


def test_requests_at_the_same_time_are_limited(inner):
    async def send():
        may_end, arrived = asyncio.Event(), []

        async def slow(scope, receive, send):
            arrived.append(scope["path"])
            await may_end.wait()
            await inner(scope, receive, send)

        application = BoundedBodies(slow, inner.folder, max_kept_bytes=2**30, max_bodies=2)
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            waiting = [
                asyncio.create_task(client.post(path, content=b"a")) for path in (RUN, UPLOAD)
            ]
            while len(arrived) < 2:
                await asyncio.sleep(0)
            refused = await client.post(RUN, content=b"a")
            may_end.set()
            answers = await asyncio.gather(*waiting)
            return refused, [*answers, await client.post(RUN, content=b"a")]

    refused, answers = asyncio.run(send())
    assert refused.status_code == 503
    assert "Too many people" in refused.json()["error"]
    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_photos_are_refused_while_there_is_no_room(inner):
    application = BoundedBodies(inner, inner.folder, max_kept_bytes=100_000)
    (first,) = post(application, UPLOAD, bytes(60_000))
    (second,) = post(application, UPLOAD, bytes(60_000))
    assert (first.status_code, second.status_code, inner.bodies) == (200, 507, 1)
    assert "no room for another photo" in second.text
    (question,) = post(application, RUN, b"{}")
    assert question.status_code == 200
    (inner.folder / "1").unlink()
    (third,) = post(application, UPLOAD, bytes(60_000))
    assert third.status_code == 200


def test_photos_that_come_at_once_count_together(inner):
    application = BoundedBodies(inner, inner.folder, max_kept_bytes=100_000)
    answers = post(application, UPLOAD, bytes(60_000), bytes(60_000))
    assert sum(answer.status_code == 200 for answer in answers) <= 1
    assert 507 in {answer.status_code for answer in answers}
    (later,) = post(application, UPLOAD, bytes(10_000))
    assert later.status_code == 200


def test_small_files_count_as_what_they_take_on_the_disk(inner):
    application = BoundedBodies(inner, inner.folder, max_kept_bytes=100_000)
    (inner.folder / "deeper").mkdir()
    for number in range(30):
        (inner.folder / "deeper" / f"file{number}").write_bytes(b"a")
    (answer,) = post(application, UPLOAD, b"a")
    assert answer.status_code == 507


@pytest.fixture
def port(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    from serving.demo import web_application
    from serving.demo.asking import Asking

    application = web_application.build(
        Asking(None, "localhost:8500", "tags"), title="Tags", max_kept_bytes=200_000
    )
    listener = web_server.listen("127.0.0.1", 0)
    with web_server.serving(application, listener):
        yield listener.getsockname()[1]


def test_the_page_has_the_limits(port, tmp_path):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as visitor:
        files = [("files", (f"{n}.png", photo(n))) for n in range(40)]
        answers = [visitor.post(UPLOAD, files=files) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 507, 507]
        assert "no room for another photo" in answers[1].text
    assert len(list((tmp_path / "uploads").rglob("*.png"))) == 40
    visitor = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    visitor.putrequest("POST", UPLOAD)
    visitor.putheader("Content-Length", str(MAX_BYTES * 2))
    visitor.endheaders()
    assert visitor.getresponse().status == 413  # before anything of it is sent
    visitor.close()
