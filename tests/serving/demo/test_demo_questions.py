"""Questions to a model that answers late, fails or has too many of them."""

import json
import socket
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest
from demo_process import LONDON, NOBODY
from serving_helpers import WAIT, photo

from serving import RequestError, StatusCode
from serving.demo.photos import NOT_A_PHOTO
from serving.demo.questions import PARALLEL, WAITING


@pytest.mark.parametrize(
    ("code", "details", "status", "words"),
    [
        (StatusCode.INVALID_ARGUMENT, "[image 0: truncated JPEG]", 415, NOT_A_PHOTO),
        (
            StatusCode.INVALID_ARGUMENT,
            "assertion failed: [image 0: more than 67108864 pixels]",
            415,
            "This photo has more than 67,108,864 pixels",
        ),
        (StatusCode.INVALID_ARGUMENT, "Missing named input: descriptor", 502, "descriptors of"),
        (StatusCode.RESOURCE_EXHAUSTED, "queue is full", 503, "just now: in one line"),
        (StatusCode.DEADLINE_EXCEEDED, "", 504, "just now: in one line"),
    ],
)
def test_a_failure_is_explained(visitor, model, code, details, status, words):
    model.failure = RequestError(f"in one line ({details})", code, details)
    answer = visitor.predict(visitor.upload(photo(50)))
    assert answer.status == status
    assert words in answer.json()["error"]
    assert "(" not in answer.json()["error"]


def test_a_crowd_is_told_to_wait_and_the_page_stays_open(visitor, model):
    """8 questions are under way and 64 wait; the next one is refused at once."""
    mine = visitor.upload(photo(50))
    model.may_answer.clear()
    with ThreadPoolExecutor(100) as threads:
        asked = [threads.submit(visitor.predict, mine) for _ in range(PARALLEL + WAITING + 1)]
        answered, waiting = wait(asked, WAIT, FIRST_COMPLETED)
        assert (len(answered), len(waiting)) == (1, PARALLEL + WAITING)
        refused = answered.pop().result()
        assert refused.status == 503
        assert "Too many people are asking" in refused.json()["error"]
        assert len(model.images) <= PARALLEL
        assert visitor.get("/").status == 200
        assert visitor.upload(photo(51))
        model.may_answer.set()
        assert {one.result(WAIT).status for one in waiting} == {200}
    assert len(model.images) == PARALLEL + WAITING


def test_the_model_is_not_asked_for_visitors_who_have_left(visitor, model, running):
    listener, *_ = running
    mine, theirs = visitor.upload(photo(50)), visitor.upload(photo(51))
    model.may_answer.clear()
    with ThreadPoolExecutor(PARALLEL) as threads:
        waiting = [threads.submit(visitor.predict, mine) for _ in range(PARALLEL)]
        assert all(model.asked.acquire(timeout=WAIT) for _ in range(PARALLEL))
        body = json.dumps({"photo": theirs, "people": [LONDON, NOBODY]}).encode()
        with socket.create_connection(listener.getsockname()) as leaving:
            head = f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
            leaving.sendall(head.encode() + body)
        assert visitor.get("/").status == 200  # by then the end of the connection was seen
        model.may_answer.set()
        assert {one.result(WAIT).status for one in waiting} == {200}
    assert visitor.predict(mine).status == 200
    assert photo(51) not in model.images


def test_only_facts_that_tell_are_offered(visitor, model):
    facts = visitor.get("/page.json").json()["facts"]
    assert [fact["name"] for fact in facts] == ["age", "plan"]
    assert facts[1] == {"name": "plan", "is_text": True, "tells": True, "values": ["free", "paid"]}
    assert visitor.predict(visitor.upload(photo(50)), {"plan": "paid"}, NOBODY).status == 200
    assert [user.more for user in model.users] == [{"plan": "paid"}, {}]


def test_a_model_that_cannot_be_asked_is_offered_all_facts(visitor, model):
    model.failure = RequestError("no", StatusCode.UNAVAILABLE, "")
    facts = visitor.get("/page.json").json()["facts"]
    assert [fact["name"] for fact in facts] == list(NOBODY)
