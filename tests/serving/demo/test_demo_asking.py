import re

import pytest
from serving_helpers import photo

from serving import Hashtag, HashtagClient, Prediction, RequestError, StatusCode
from serving.demo.asking import Asking, RefusedPhoto
from serving.demo.people import AT_FIRST, PRESETS, Person
from serving.demo.photos import NOT_A_PHOTO

NOBODY = PRESETS["Nothing known"]


class OneAnswer:
    """A client that gives one answer, or fails in one way, and remembers what it was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def predict(self, images, users):
        self.asked.append((images, users))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def grey(tmp_path):
    path = tmp_path / "grey.png"
    path.write_bytes(photo())
    return str(path)


def failing(code, details):
    return Asking(OneAnswer(RequestError("error", code, details)), "localhost:8500", "tags")


def test_one_request_asks_for_both_people(grey):
    answers = [
        Prediction("tags", 3, (Hashtag("football", 2.0),)),
        Prediction("tags", 3, (Hashtag("soccer", 1.0),)),
    ]
    client = OneAnswer(answers)
    shown = Asking(client, "localhost:8500", "tags").ask(grey, AT_FIRST)
    assert client.asked == [([photo()], [person.user for person in AT_FIRST])]
    assert "#football" in shown.answers[0]
    assert "#soccer" in shown.answers[1]
    assert "version <b>3</b>" in shown.status
    assert "First person: football." in shown.status
    assert "Second person: soccer." in shown.status
    assert (shown.notice, shown.refused) == ("", None)


def test_without_a_photo_nothing_is_asked():
    client = OneAnswer([])
    shown = Asking(client, "localhost:8500", "tags").known("", AT_FIRST)
    assert client.asked == []
    assert all("Choose a photo" in answer for answer in shown.answers)
    assert (shown.status, shown.notice) == ("", "")


def test_what_is_no_photo_is_not_asked_about(tmp_path):
    (tmp_path / "junk.jpg").write_bytes(b"junk")
    client = OneAnswer([])
    shown = Asking(client, "localhost:8500", "tags").ask(str(tmp_path / "junk.jpg"), AT_FIRST)
    assert NOT_A_PHOTO in shown.notice
    assert all("Choose another photo" in answer for answer in shown.answers)
    assert client.asked == []


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ("assertion failed: [image 0: truncated JPEG]", NOT_A_PHOTO),
        ("Unknown image file format. One of JPEG, PNG, GIF, BMP required.", NOT_A_PHOTO),
        ("Invalid PNG data, size 7\n\t [[{{node DecodePng}}]]", NOT_A_PHOTO),
        (
            "assertion failed: [image 0: more than 67108864 pixels]\n\t [[{{node Assert}}]]",
            "This photo has more than 67,108,864 pixels: the model takes none so large. Please "
            "make it smaller.",
        ),
    ],
)
def test_a_photo_that_the_server_refuses_is_asked_about_once(grey, tmp_path, details, words):
    client = OneAnswer(RequestError("error", StatusCode.INVALID_ARGUMENT, details))
    asking = Asking(client, "localhost:8500", "tags")
    shown = asking.ask(grey, AT_FIRST)
    assert shown.refused == RefusedPhoto(grey, words)
    assert words in shown.notice
    assert asking.known(grey, [NOBODY, NOBODY], shown.refused).refused == shown.refused
    assert len(client.asked) == 1
    assert asking.known("", AT_FIRST, shown.refused).refused is None
    other = tmp_path / "other.png"
    other.write_bytes(photo(1))
    client.answer = [Prediction("tags", 1, ())] * 2
    assert asking.known(str(other), AT_FIRST, shown.refused) is None
    assert asking.ask(str(other), AT_FIRST).notice == ""
    assert len(client.asked) == 2


@pytest.mark.parametrize(
    ("code", "details", "words"),
    [
        (StatusCode.UNAVAILABLE, "Connection refused", "does not answer. Is it running?"),
        (
            StatusCode.UNAVAILABLE,
            "The batch scheduling queue to which this task was submitted is full; currently 9 "
            "batches enqueued and max_enqueued_batches is 9",
            "too much to do",
        ),
        (StatusCode.UNAVAILABLE, "CERTIFICATE_VERIFY_FAILED", "check the TLS files"),
        (StatusCode.DEADLINE_EXCEEDED, "", "took too long"),
        (StatusCode.NOT_FOUND, "Servable not found: tags", "has no such model"),
        (
            StatusCode.INVALID_ARGUMENT,
            "Signature input alias: descriptor not found",
            "takes descriptors of images, not photos",
        ),
        (
            StatusCode.INVALID_ARGUMENT,
            "Missing named input: descriptor",
            "takes descriptors of images, not photos",
        ),
        (
            StatusCode.INVALID_ARGUMENT,
            "Unrecognized servable version label: stabel",
            "no version with the label &#x27;stabel&#x27; now: check --version_label",
        ),
        (StatusCode.INVALID_ARGUMENT, "what is age?", "does not understand"),
        (StatusCode.INVALID_ARGUMENT, "image_size is no input", "does not understand"),
        (StatusCode.INVALID_ARGUMENT, "Signature input alias: image", "does not understand"),
        (StatusCode.RESOURCE_EXHAUSTED, "queue full", "too much to do"),
        (StatusCode.INTERNAL, "it <b>broke</b>", "failed"),
    ],
)
def test_a_failure_in_plain_words_keeps_the_photo(grey, code, details, words):
    shown = failing(code, details).ask(grey, AT_FIRST)
    assert words in shown.notice
    assert "<b>broke" not in shown.notice
    assert shown.refused is None
    assert all("No hashtags just now" in answer for answer in shown.answers)


def test_who_is_put_off():
    shown = Asking(OneAnswer([]), "localhost:8500", "tags").put_off(AT_FIRST)
    assert "Too many people are asking" in shown.notice
    assert all("No hashtags just now" in answer for answer in shown.answers)


def test_a_person_that_cannot_be(grey):
    client = OneAnswer([])
    shown = Asking(client, "localhost:8500", "tags").ask(grey, [Person(gender="robot"), NOBODY])
    assert "robot" in shown.notice
    assert client.asked == []


def test_a_real_server(tags_server, tmp_path, grey):
    """Version 2: football 0.3 + 1 (GB) + 1, sunset 0.5 (grey) + 1, soccer 0.2 + 1."""
    (tmp_path / "half.png").write_bytes(photo(size=64)[:60])
    with HashtagClient(tags_server.endpoint, "tags") as client:
        asking = Asking(client, tags_server.endpoint, "tags")
        shown = asking.ask(grey, [AT_FIRST[0], NOBODY])
        assert re.findall("#([a-z]+)", shown.answers[0]) == ["football", "sunset", "soccer"]
        assert 'class="score">2.30' in shown.answers[0]
        assert "version <b>2</b>" in shown.status
        broken = asking.ask(str(tmp_path / "half.png"), AT_FIRST)
        assert broken.refused.words == NOT_A_PHOTO
    with HashtagClient(tags_server.endpoint, "absent") as client:
        lacking = Asking(client, tags_server.endpoint, "absent").ask(grey, AT_FIRST)
        assert "no such model" in lacking.notice
    with HashtagClient(tags_server.endpoint, "tags", version_label="stabel") as client:
        lacking = Asking(client, tags_server.endpoint, "tags").ask(grey, AT_FIRST)
        assert "no version with the label &#x27;stabel&#x27;" in lacking.notice
