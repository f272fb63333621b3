"""What is particular to the gRPC clients."""

import asyncio
import contextlib
import threading

import numpy as np
import pytest
from serving_helpers import WAIT, photo

import serving
from serving import AsyncHashtagClient, Hashtag, HashtagClient, ModelServer, User, tensors
from serving.server.models import model_config
from tagkeras.cli.errors import UserError

LONDON = User(country="gb", latitude=51.5, longitude=-0.1)


def test_many_images_in_one_call(fake):
    fake.outputs["hashtags"] = [[b"a"], [b"b"], [b"\xc3\xa9t\xc3\xa9"]]
    fake.outputs["scores"] = [[1.0], [2.0], [3.0]]
    with HashtagClient(fake.endpoint, "m") as client:
        answers = client.predict([b"1", b"2", b"3"], [User(age=34), User(gender="other"), LONDON])
    assert [tag for answer in answers for tag in answer.hashtags] == [
        Hashtag("a", 1.0),
        Hashtag("b", 2.0),
        Hashtag("\u00e9t\u00e9", 3.0),
    ]
    (request,) = fake.requests
    inputs = {name: tensors.from_proto(value) for name, value in request.inputs.items()}
    assert inputs["image"].tolist() == [b"1", b"2", b"3"]
    assert inputs["age"].dtype == np.float32
    np.testing.assert_array_equal(inputs["age"], [34, np.nan, np.nan])
    assert inputs["gender"].tolist() == [b"", b"other", b""]
    assert inputs["country"].tolist() == [b"", b"", b"GB"]
    np.testing.assert_array_equal(inputs["latitude"], [np.nan, np.nan, 51.5])


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("localhost", "address 'localhost' does not end with a port from 1 to 65535"),
        *((f"localhost:{port}", "does not end with a port") for port in ("85x", "65536")),
        ("http://localhost:8501", "is a URL: gRPC takes host:port; RestHashtagClient"),
    ],
)
@pytest.mark.parametrize("kind", [HashtagClient, AsyncHashtagClient])
def test_addresses_that_cannot_be(kind, server, words):
    with pytest.raises(UserError, match=words):
        kind(server, "m")


def test_an_answer_of_another_kind_of_model(fake):
    fake.outputs = {"y": [1.0], "x": [1.0]}
    with (
        HashtagClient(fake.endpoint, "m") as client,
        pytest.raises(UserError, match=r"without 'hashtags' \(x, y\): it is not a hashtag model"),
    ):
        client.predict([b"i"])


def test_calls_of_an_event_loop_are_under_way_together(fake):
    """The server answers none of five before it has all of them."""
    together = threading.Barrier(5)
    fake.on_call = lambda _: together.wait(WAIT) and None

    async def ask():
        async with AsyncHashtagClient(fake.endpoint, "m") as client:
            return await asyncio.gather(*(client.predict([b"%d" % i]) for i in range(5)))

    assert [answer.version for (answer,) in asyncio.run(ask())] == [9] * 5
    asked = [request.inputs["image"] for request in fake.requests]
    assert len({tensor.SerializeToString() for tensor in asked}) == 5


def test_a_cancelled_call_leaves_the_client_usable(fake):
    client = AsyncHashtagClient(fake.endpoint, "m")  # outside the event loop

    async def cancel_and_ask():
        async with client:
            with fake.held():
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.predict([b"i"]), 0.1)
            return await client.predict([b"i"])

    assert asyncio.run(cancel_and_ask())[0].version == 9


def test_calls_are_spread_over_all_addresses_of_a_name(hashtag_models):
    with contextlib.ExitStack() as stack:
        addresses = []
        for version in (1, 2):
            config = model_config.single_model("hashtags", str(hashtag_models))
            policy = config.model_config_list.config[0].model_version_policy
            policy.specific.versions.append(version)
            server = stack.enter_context(ModelServer(config))
            addresses.append(f"127.0.0.1:{server.port}")
        client = stack.enter_context(HashtagClient(f"ipv4:{','.join(addresses)}", "hashtags"))
        answered = set()
        while answered != {1, 2}:  # the second connection may take longer
            answered.add(client.predict([photo()])[0].version)
        # From then on in turns.
        turns = [client.predict([photo()])[0].version for _ in range(6)]
    assert sorted(turns) == [1, 1, 1, 2, 2, 2]


def test_every_public_name_is_there():
    for name in serving.__all__:
        assert getattr(serving, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Client'"):
        serving.Client  # noqa: B018
