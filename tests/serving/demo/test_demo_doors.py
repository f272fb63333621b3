"""What the page gives to strangers: no files and no addresses of others, and none of Gradio's rest.

Gradio's own means are
used that are no public API of it; if a new version of it changes them, this is where it shows.
"""

import base64
import re
from pathlib import Path

import pytest
from demo_helpers import API, SECRET, body_of, file
from serving_helpers import photo

from serving.demo import web_server
from tagkeras.cli.errors import UserError

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
    browser.upload(photo(50))
    copies = [one for one in (folders / "uploads").rglob("*") if one.is_file()]
    assert copies
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
        assert getattr(processing_utils, fetch).__module__ == "serving.demo.closed_doors"


@pytest.mark.parametrize(
    ("means", "broken"), [("has_launched", "visitors read files"), ("fetch", "fetch addresses")]
)
def test_a_gradio_without_the_means_is_named(monkeypatch, means, broken):
    import gradio
    from gradio import processing_utils

    from serving.demo import closed_doors

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
