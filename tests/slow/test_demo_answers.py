"""The page of `serving.demo` in a browser, with a model in this process that can be held back."""

import contextlib
import re
import threading

import pytest
from demo_page import expect, expect_tags, upload
from serving_helpers import WAIT, photo

from serving import Hashtag, Prediction, RequestError, StatusCode
from serving.demo.asking import Asking

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class SlowModel:
    """A client that answers for the first photo when it is let, and refuses it then."""

    def __init__(self, refused):
        self.refused = refused
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def predict(self, images, users):
        if images == [self.refused]:
            self.asked.set()
            assert self.may_answer.wait(WAIT)
            raise RequestError("", StatusCode.INVALID_ARGUMENT, "image 0: more than 9 pixels")
        return [Prediction("tags", 1, (Hashtag("football", 1.0),)) for _ in users]


@pytest.fixture
def page_of(browser, tmp_path, monkeypatch):
    """The page of a model in this process, with one example, which is white."""
    (tmp_path / "white.png").write_bytes(photo(255, 64))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    from serving.demo import web_application, web_server

    @contextlib.contextmanager
    def page_of(model, **options):
        application = web_application.build(
            Asking(model, "localhost:8500", "tags"),
            title="Tags",
            examples=[tmp_path / "white.png"],
            **options,
        )
        listener = web_server.listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        with web_server.serving(application, listener):
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}")
            yield page
            page.close()

    return page_of


def test_a_photo_without_room_is_told(page_of):
    with page_of(SlowModel(None), max_kept_bytes=100_000) as page:
        expect_tags(page, 1, "football")
        upload(page, photo(3, 64) + bytes(2**20))
        expect(page.get_by_text("There is no room for another photo here now")).to_be_visible()
        page.get_by_role("button", name="Example photo 1").click()
        expect_tags(page, 1, "football")


def test_a_photo_that_is_refused_late_leaves_the_next_one_alone(page_of):
    model = SlowModel(photo(1, 64))
    with page_of(model) as page:
        expect_tags(page, 1, "football")
        upload(page, model.refused)
        assert model.asked.wait(WAIT)
        expect(page.locator("#status").get_by_role("status")).to_have_attribute("aria-busy", "true")
        page.get_by_role("button", name="Example photo 1").click()
        chosen = page.locator("#photo img")
        expect(chosen).to_have_attribute("src", re.compile(r"white\.png$"))
        model.may_answer.set()
        expect_tags(page, 1, "football")
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(chosen).to_have_attribute("src", re.compile(r"white\.png$"))
        expect(page.locator("#status").get_by_role("status")).not_to_have_attribute(
            "aria-busy", "true"
        )
