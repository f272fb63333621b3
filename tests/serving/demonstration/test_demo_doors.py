"""What the page gives to strangers: no files and no addresses of others, and none of Gradio's rest.

The real application on a real socket, without a browser and a model server. Gradio's own means are
used that are no public API of it; if a new version of it changes them, this is where it shows.
"""

import asyncio
import base64
import json
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from serving_helpers import WAIT, photo

from serving import Hashtag, Prediction, RequestError, StatusCode
from serving.demonstration import web_server
from serving.demonstration.asking import Asking
from tagkeras.errors import UserError

API = "/gradio_api"
SECRET = photo(7, 16)  # it could be shown to the model, were it read
REFUSAL = "This page does not do that."
# What the page's script and browsers ask for, but for the files of visitors.
OPEN = {
    "GET /",
    "HEAD /",
    "GET /config",
    "GET /theme.css",
    "GET /favicon.ico",
    "GET /robots.txt",
    "GET /assets/{path:path}",
    "GET /static/{path:path}",
    "GET /gradio_api/app_id",
    "GET /gradio_api/heartbeat/{session_hash}",
    "GET /gradio_api/upload_progress",
    "POST /gradio_api/run/{api_name}",
    "POST /gradio_api/upload",
}


class Model:
    """A client that answers, and remembers what it was asked; a white photo it refuses."""

    def __init__(self):
        self.asked = []
        self.was_asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    def predict(self, images, users):
        self.asked += images
        self.was_asked.set()
        assert self.may_answer.wait(WAIT)
        if images == [photo(255)]:
            raise RequestError("", StatusCode.INVALID_ARGUMENT, "image 0: more than 9 pixels")
        return [Prediction("tags", 1, (Hashtag("football", 1.0),)) for _ in users]


class Browser:
    """Asks the application what a browser asks it, or somebody else."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=url, timeout=WAIT)
        self.config = self.http.get("/config").json()
        self.parts = {part["id"]: part for part in self.config["components"]}

    def events(self):
        """Each event of the page that has inputs, and the values that these have at first."""
        for event in self.config["dependencies"]:
            if event["inputs"]:
                first = [self.parts[part]["props"].get("value") for part in event["inputs"]]
                yield event["id"], first

    def show(self):
        """The event that asks the model, the values at first, and the place of the photo."""
        return max(self.events(), key=lambda event: len(event[1]))

    def is_state(self, event, place):
        """Whether an input is kept here, so that what a browser sends for it is not looked at."""
        (inputs,) = [e["inputs"] for e in self.config["dependencies"] if e["id"] == event]
        return self.parts[inputs[place]]["type"] == "state"

    def send(self, event, values, session=None):
        """What comes back for an event of the page."""
        return self.http.post(f"{API}/run/predict", json=body_of(event, values, session))

    def upload(self, data):
        """A file's path where the application keeps it."""
        return self.http.post(f"{API}/upload", files={"files": ("a.png", data)}).json()[0]


def body_of(event, values, session=None):
    return {"fn_index": event, "data": values, "session_hash": session or uuid.uuid4().hex}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where uploads lie, an example photo, and the file that nobody is to read."""
    folder = tmp_path_factory.mktemp("doors")
    (folder / "secret.png").write_bytes(SECRET)
    (folder / "example.png").write_bytes(photo(100))
    (folder / "uploads").mkdir()
    return folder


@pytest.fixture(scope="module")
def model():
    return Model()


@pytest.fixture(scope="module")
def application(folders, model):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folders / "uploads"))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        from serving.demonstration import web_application

        yield web_application.build(
            Asking(model, "localhost:8500", "tags"),
            title="Tags",
            examples=[folders / "example.png"],
        )


@pytest.fixture(scope="module")
def url(application):
    listener = web_server.listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with web_server.serving(application, listener):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser(url):
    return Browser(url)


def file(path):
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


def test_photos_that_were_uploaded_and_examples_are_answered(browser, model):
    event, first = browser.show()
    mine = browser.upload(photo(50))
    answer = browser.send(event, [file(mine), *first[1:]])
    assert "#football" in answer.text
    assert model.asked.pop() == photo(50)
    (choose,) = [event for event, values in browser.events() if values == [0]]
    path = browser.send(choose, [0]).json()["data"][0]["path"]
    assert browser.http.get(f"{API}/file={path}").content == photo(100)


def test_no_input_of_any_event_reads_a_file(browser, folders, model):
    """Nor into the answer, nor to where a second request would fetch it, nor to the model."""
    secret = str(folders / "secret.png")
    model.asked.clear()
    told = [
        file(secret),
        {"path": secret},
        {"country": file(secret), "latitude": file(secret), "longitude": [file(secret)]},
    ]
    sent = 0
    for event, first in browser.events():
        answers = [
            browser.send(event, [*first[:place], one, *first[place + 1 :]])
            for place in range(len(first))
            for one in told
        ]
        for answer in answers:
            assert SECRET[:40] not in answer.content
            assert base64.b64encode(SECRET)[:40] not in answer.content
            if b"secret" in answer.content:
                assert "is not in the list of choices" in answer.json()["error"]
        sent += len(answers)
    assert sent >= 20 * len(told)
    assert SECRET not in model.asked
    copies = [one for one in (folders / "uploads").rglob("*") if one.is_file()]
    assert copies  # of the other test
    assert not [one for one in copies if one.read_bytes() == SECRET]
    assert browser.http.get(f"{API}/file={secret}").status_code == 403


def test_events_are_no_api(browser):
    """Nor are they reached by Gradio's queue, whose answers may be lost on their way."""
    for event, first in browser.events():
        for path in ("run/show", "api/predict", "call/predict", "queue/join"):
            assert browser.http.post(f"{API}/{path}", json=body_of(event, first)).status_code == 403
    # Those that run here; the browser runs the others by itself.
    assert {e["queue"] for e in browser.config["dependencies"] if e["backend_fn"]} == {False}


def routes_of(application):
    """All routes, those of mounted applications and included routers too, as `GET /path`."""
    for route in application.routes:
        if hasattr(route, "effective_candidates"):
            inner = [one.original_route for one in route.effective_candidates()]
        elif not hasattr(route, "methods"):  # a mount
            assert route.path == ""
            yield from routes_of(route)
            continue
        else:
            inner = [route]
        for one in inner:
            yield from (f"{method} {one.path}" for method in one.methods)


def test_every_route_that_the_page_does_not_ask_for_is_closed(application, browser):
    """Also those that another version of Gradio adds."""
    routes = set(routes_of(application))
    assert routes >= OPEN
    closed = {
        route
        for route in routes - OPEN
        if not route.endswith("/gradio_api/file={path_or_url:path}")
    }
    assert {"POST /gradio_api/process_recording", "GET /gradio_api/dev/reload"} <= closed
    for route in closed:
        method, path = re.sub(r"{[^}]*}", "x", route).split(" ")
        answer = browser.http.request(method, path)
        assert (answer.status_code, answer.text) in ((403, REFUSAL), (403, "")), route
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert browser.http.request(method, "/").status_code == 403


@pytest.mark.parametrize(
    "path", ["/x", "//gradio_api/info", "/gradio_api/upload/", "/gradio_api/file=x", "/config%0a"]
)
def test_what_only_looks_like_an_open_route_is_closed(browser, path):
    for method in ("GET", "POST"):
        answer = browser.http.request(method, f"{browser.http.base_url}".rstrip("/") + path)
        assert (answer.status_code, answer.text) == (403, REFUSAL)


@pytest.mark.parametrize(
    "path",
    [
        "file=https://example.com/",
        "file=http://127.0.0.1:1/",
        "file=HTTPS://example.com/",
        "file=%68ttps://example.com/",
        "file/https://example.com/",
        "proxy=https://a.hf.space/",
        "deep_link?session_hash=x",
        "DEEP_LINK",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_page_is_no_proxy(browser, path, method):
    answer = browser.http.request(method, f"{API}/{path}")
    assert answer.status_code == 403
    # Not Gradio's own refusal, which is of addresses that it cannot reach.
    assert answer.headers["content-length"] == str(len(REFUSAL))


def test_no_input_of_any_event_fetches_an_address(browser):
    for event, first in browser.events():
        for place in range(len(first)):
            if not browser.is_state(event, place):
                asked = [*first[:place], file("https://example.com/a.png"), *first[place + 1 :]]
                answer = browser.send(event, asked)
                assert answer.status_code == 500
                assert "taken from files, not from addresses" in answer.json()["error"]


def test_gradio_fetches_in_no_other_way(url):
    from gradio import processing_utils

    for fetch in ("async_ssrf_protected_get", "async_ssrf_protected_download"):
        assert getattr(processing_utils, fetch).__module__ == "serving.demonstration.closed_doors"


@pytest.mark.parametrize(
    "home", ["text", 7, [1], {"country": ["GB"]}, {"latitude": "1", "longitude": True}, {}]
)
def test_a_map_that_sends_anything_is_a_place_unknown(browser, home):
    event, first = browser.show()
    mine = browser.upload(photo(50))
    answer = browser.send(event, [file(mine), *first[1:5], home, *first[6:]])
    assert "#football" in answer.text
    assert "Woman, 20<" in answer.text


@pytest.mark.parametrize("age", [None, "old", True, {"a": 1}])
def test_an_age_that_is_no_number_is_unknown(browser, age):
    event, first = browser.show()
    mine = browser.upload(photo(50))
    answer = browser.send(event, [file(mine), None, age, *first[3:]])
    assert "#football" in answer.text
    assert "Woman, London" in answer.text


@pytest.mark.parametrize("number", [-1, 1, 10**30, "0", None, [0], {"value": 0}, 0.5])
def test_an_example_that_is_none_changes_nothing(browser, number):
    (choose,) = [event for event, values in browser.events() if values == [0]]
    answer = browser.send(choose, [number])
    assert answer.status_code == 200
    assert ".png" not in answer.text


def test_a_photo_that_the_model_refuses_is_asked_about_once(browser, model):
    event, first = browser.show()
    white, session = file(browser.upload(photo(255))), uuid.uuid4().hex
    model.asked.clear()
    for _ in range(2):
        answer = browser.send(event, [white, *first[1:]], session)
        assert "This photo has more than 9 pixels" in answer.text
    assert model.asked == [photo(255)]


def test_a_crowd_is_told_to_wait_and_the_page_stays_open(url, browser, model):
    """8 questions are under way, 64 wait; the one after them is put off at once."""
    event, first = browser.show()
    mine = file(browser.upload(photo(50)))
    model.asked.clear()
    model.may_answer.clear()

    async def ask():
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=url, timeout=WAIT, limits=limits) as http:

            def post(photo):
                body = body_of(event, [photo, *first[1:]])
                return asyncio.create_task(http.post(f"{API}/run/predict", json=body))

            questions = [post(mine) for _ in range(8 + 64 + 1)]
            answered, waiting = await asyncio.wait(
                questions, timeout=WAIT, return_when=asyncio.FIRST_COMPLETED
            )
            assert (len(answered), len(waiting)) == (1, 72)
            assert len(model.asked) <= 8
            # Where the model is not needed, nobody waits for it.
            assert "Choose a photo" in (await post(None)).text
            assert (await http.get(f"{API}/file={mine['path']}")).content == photo(50)
            model.may_answer.set()
            return answered.pop().result(), await asyncio.gather(*waiting)

    try:
        put_off, answers = asyncio.run(ask())
    finally:
        model.may_answer.set()
    assert "Too many people are asking" in put_off.text
    assert "Woman, 20, London" in put_off.text
    assert all("#football" in answer.text for answer in answers)
    assert len(model.asked) == 72


def test_the_model_is_not_asked_for_visitors_who_have_left(application, browser, model):
    event, first = browser.show()
    mine = file(browser.upload(photo(50)))
    body = json.dumps(body_of(event, [mine, *first[1:]])).encode()
    answered = []

    async def ask(*messages):
        coming = iter([{"type": "http.request", "body": body}, *messages])

        async def receive():
            # Beyond these, no message ever comes.
            return next(coming, None) or await asyncio.Future()

        async def send(message):
            answered.append(message)

        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"{API}/run/predict",
            "raw_path": f"{API}/run/predict".encode(),
            "root_path": "",
            "query_string": b"",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
        await application(scope, receive, send)

    model.asked.clear()
    asyncio.run(ask({"type": "http.disconnect"}))
    assert answered.pop(0)["status"] == 200
    assert model.asked == []
    asyncio.run(ask())
    assert model.asked == [photo(50)]


def test_ends_quietly_with_a_question_under_way(application, browser, model, capfd):
    event, first = browser.show()
    mine = file(browser.upload(photo(50)))
    model.was_asked.clear()
    model.may_answer.clear()
    listener = web_server.listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{API}/run/predict"
    capfd.readouterr()
    try:
        with ThreadPoolExecutor() as threads:
            with web_server.serving(application, listener):
                answer = threads.submit(
                    httpx.post, url, json=body_of(event, [mine, *first[1:]]), timeout=WAIT
                )
                assert model.was_asked.wait(WAIT)
            assert answer.exception(WAIT) or answer.result().status_code == 500
    finally:
        model.may_answer.set()
    assert capfd.readouterr() == ("", "")


def test_an_answer_never_changes_the_photo(browser):
    """By then the visitor may have chosen another one."""
    (show,) = [e for e in browser.config["dependencies"] if e["id"] == browser.show()[0]]
    assert not {"image"} & {browser.parts[part]["type"] for part in show["outputs"]}
    assert {browser.parts[part]["type"] for part in show["inputs"]} >= {"image", "state"}


@pytest.mark.parametrize(
    ("means", "broken"), [("has_launched", "visitors read files"), ("fetch", "fetch addresses")]
)
def test_a_gradio_without_the_means_is_named(monkeypatch, means, broken):
    import gradio
    from gradio import processing_utils

    from serving.demonstration import closed_doors

    monkeypatch.setattr(gradio, "__version__", "5.0.1")
    monkeypatch.delattr(processing_utils, "async_ssrf_protected_get")
    with pytest.raises(
        UserError, match=rf"Gradio 5\.0\.1, .* would let .*{broken}.*6\.31"
    ) as caught:
        closed_doors.check_files(
            object()
        ) if means == "has_launched" else closed_doors.fetch_nothing()
    assert "pip install 'gradio>=6.31,<7'" in str(caught.value)


def test_gradio_writes_no_files_beside_the_source(url):
    assert list(Path(web_server.__file__).parent.glob("*.pyi")) == []
