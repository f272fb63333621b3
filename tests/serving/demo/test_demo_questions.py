"""What the page's application answers to its own script, to crowds, and to those who have left."""

import asyncio
import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from demo_helpers import API, body_of, file
from serving_helpers import WAIT, photo

from serving.demo import web_server


def test_photos_that_were_uploaded_and_examples_are_answered(browser, model):
    event, first = browser.show()
    mine = browser.upload(photo(50))
    answer = browser.send(event, [file(mine), *first[1:]])
    assert "#football" in answer.text
    assert model.asked.pop() == photo(50)
    (choose,) = [event for event, values in browser.events() if values == [0]]
    path = browser.send(choose, [0]).json()["data"][0]["path"]
    assert browser.http.get(f"{API}/file={path}").content == photo(100)


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
