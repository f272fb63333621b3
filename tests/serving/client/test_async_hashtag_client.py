import asyncio
import threading

import grpc
import numpy as np
import pytest
from serving_helpers import WAIT, photo

from serving import AsyncHashtagClient, HashtagClient, RequestError, StatusCode, Tls, User
from tagkeras.cli.errors import UserError

LONDON = User(country="gb", latitude=51.5, longitude=-0.1)


def ask(endpoint, question, **options):
    async def run():
        async with AsyncHashtagClient(endpoint, **{"model": "tags", **options}) as client:
            return await question(client)

    return asyncio.run(run())


def test_every_method_answers_as_the_blocking_client(tags_server):
    questions = [
        lambda c: c.predict([photo(0)], [LONDON, User()]),
        lambda c: c.predict_descriptors(np.ones((2, 4)), [LONDON]),
        lambda c: c.image_embedding([photo(), photo()]),
        lambda c: c.user_embedding([LONDON]),
        lambda c: c.input_shapes("descriptor"),
    ]
    with HashtagClient(tags_server.endpoint, "tags") as blocking:
        for question in questions:
            answer = ask(tags_server.endpoint, question)
            np.testing.assert_equal(answer, question(blocking))
        tags = ask(tags_server.endpoint, lambda c: c.hashtag_embedding(["#dog", "no"]))
        expected = blocking.hashtag_embedding(["#dog", "no"])
        np.testing.assert_array_equal(tags.embedding, expected.embedding)
        assert tags.known.tolist() == expected.known.tolist() == [True, False]


def test_calls_are_under_way_together(fake):
    """The server answers none of five before it has all of them."""
    together = threading.Barrier(5)
    fake.on_call = lambda _: together.wait(WAIT) and None
    answers = ask(
        fake.endpoint,
        lambda c: asyncio.gather(*(c.predict([b"%d" % number]) for number in range(5))),
    )
    assert [answer.version for (answer,) in answers] == [9] * 5
    asked = [request.inputs["image"] for request in fake.requests]
    assert len({tensor.SerializeToString() for tensor in asked}) == 5


def test_version_and_label(tags_server):
    for choice in ({"version": 1}, {"version_label": "old"}):
        (answer,) = ask(tags_server.endpoint, lambda c: c.predict([photo()]), **choice)
        assert answer.version == 1


def test_only_an_unavailable_server_is_asked_again(fake):
    fake.failures = [grpc.StatusCode.UNAVAILABLE] * 3
    assert ask(fake.endpoint, lambda c: c.predict([b"i"]))[0].version == 9
    assert len(fake.requests) == 4
    fake.requests.clear()
    fake.failures = [grpc.StatusCode.INTERNAL]
    with pytest.raises(RequestError, match="a moment please") as caught:
        ask(fake.endpoint, lambda c: c.predict([b"i"]))
    assert caught.value.code is StatusCode.INTERNAL
    assert len(fake.requests) == 1


def test_no_server():
    with pytest.raises(RequestError, match="no server answers at localhost:1; is it running"):
        ask("localhost:1", lambda c: c.predict([b"i"]))


def test_a_deadline(fake):
    with fake.held(), pytest.raises(RequestError, match="within 0.2 s") as caught:
        ask(fake.endpoint, lambda c: c.predict([b"i"]), timeout=0.2)
    assert caught.value.code is StatusCode.DEADLINE_EXCEEDED


def test_a_cancelled_call_leaves_the_client_usable(fake):
    async def cancel_and_ask(client):
        with fake.held():
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.predict([b"i"]), 0.1)
        return await client.predict([b"i"])

    assert ask(fake.endpoint, cancel_and_ask)[0].version == 9


def test_an_encrypted_connection(fake_tls, tls_files):
    answer = ask(fake_tls.endpoint, lambda c: c.predict([b"i"]), tls=Tls(ca=tls_files.ca))
    assert answer[0].version == 9


def test_a_client_made_outside_the_loop(fake):
    client = AsyncHashtagClient(fake.endpoint, "m")
    assert asyncio.run(client.predict([b"i"]))[0].version == 9
    asyncio.run(AsyncHashtagClient(fake.endpoint, "m").close())


def test_bad_arguments_are_never_sent(fake):
    with pytest.raises(UserError, match="2 images and 3 users"):
        ask(fake.endpoint, lambda c: c.predict([b"i"] * 2, [User()] * 3))
    with pytest.raises(UserError, match="not for both"):
        AsyncHashtagClient(fake.endpoint, "m", version=1, version_label="x")
    assert not fake.requests
