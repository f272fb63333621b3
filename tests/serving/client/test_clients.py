"""What all clients do alike: over gRPC, with threads and with asyncio, and over REST."""

import asyncio
import contextlib

import grpc
import numpy as np
import pytest
from fake_servers import grpc_credentials, grpc_server, rest_context, rest_server
from serving_helpers import photo

from serving import (
    AsyncHashtagClient,
    Hashtag,
    HashtagClient,
    Prediction,
    RequestError,
    RestHashtagClient,
    StatusCode,
    Tls,
    User,
)
from serving.client import rest_client
from serving.client.answers import ServedFact
from tagkeras.cli.errors import UserError

LONDON = User(age=34, gender="female", country="gb", latitude=51.5, longitude=-0.1)
DENVER = User(age=30, country="US")
REPLIES = {
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.NOT_FOUND: 404,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.INTERNAL: 500,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
}


class BlockingAsyncClient:
    """An `AsyncHashtagClient` whose methods wait for their answers."""

    def __init__(self, *arguments, **options):
        self._client = AsyncHashtagClient(*arguments, **options)
        self._runner = asyncio.Runner()

    def __getattr__(self, name):
        return lambda *arguments: self._runner.run(getattr(self._client, name)(*arguments))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        self._runner.close()


CLASSES = {"grpc": HashtagClient, "asyncio": BlockingAsyncClient, "rest": RestHashtagClient}


class ScriptedServer:
    """A fake server of either API that fails as it is told to."""

    def __init__(self, server):
        self._server = server
        self._is_rest = hasattr(server, "url")
        self.address = server.url if self._is_rest else server.endpoint

    @property
    def num_asked(self):
        return len(self._server.bodies if self._is_rest else self._server.requests)

    def fail(self, code, times=1, words="a moment please"):
        if self._is_rest:
            self._server.replies = [(REPLIES[code], b'{"error": "%b"}' % words.encode())] * times
        else:
            self._server.words = words
            self._server.failures = [grpc.StatusCode[code.name]] * times

    def stalled(self):
        if not self._is_rest:
            return self._server.held()
        self._server.replies = ["stall"]
        return contextlib.nullcontext()


@pytest.fixture(params=CLASSES)
def api(request):
    return request.param


@pytest.fixture
def connect(api, tags_server, tags_url):
    """Makes a client, of the model `tags` on the embedded server unless told otherwise."""
    default = tags_url if api == "rest" else tags_server.endpoint
    return lambda server=default, model="tags", **options: CLASSES[api](server, model, **options)


@pytest.fixture
def client(connect):
    with connect() as client:
        yield client


@pytest.fixture
def fake_server(request, api):
    return ScriptedServer(request.getfixturevalue("fake_rest" if api == "rest" else "fake"))


@pytest.fixture
def ask(connect, fake_server):
    """Asks the fake server about an image."""

    def ask(image=b"i", **options):
        with connect(fake_server.address, version=9, **options) as client:
            return client.predict([image])

    return ask


def best(predictions):
    return [prediction.hashtags[0].hashtag for prediction in predictions]


def test_one_photo_as_several_users(client):
    london, denver, nobody = client.predict([photo(0)], [LONDON, DENVER, User()])
    assert isinstance(london, Prediction)
    assert (london.model, london.version) == ("tags", 2)
    assert [tag.hashtag for tag in london.hashtags] == ["football", "tbt", "soccer"]
    assert best([denver]) == ["soccer"]
    assert denver.hashtags[0] == Hashtag("soccer", pytest.approx(2.2))
    assert nobody.hashtags[0].score == pytest.approx(1.3)


def test_images_as_bytes_and_files_pairwise(client, tmp_path):
    (tmp_path / "white.png").write_bytes(photo(255))
    images = [photo(0), tmp_path / "white.png", str(tmp_path / "white.png")]
    assert best(client.predict(images, [DENVER, DENVER, User()])) == ["soccer", "soccer", "sunset"]
    assert best(client.predict(images)) == ["football", "sunset", "sunset"]


def test_descriptors(client):
    rows = np.array([[0.0, 7, 7, 7], [5.0, 7, 7, 7]])
    assert best(client.predict_descriptors(rows, [LONDON])) == ["football", "sunset"]
    with pytest.raises(UserError, match=r"must be an array \[B, n\], got shape \(4,\)"):
        client.predict_descriptors(rows[0])


def test_embeddings(client):
    users = client.user_embedding([User(age=3), LONDON])
    np.testing.assert_array_equal(users, np.float32([[3, np.nan, np.nan], [34, 51.5, -0.1]]))
    for images in ([photo(), photo()], [photo()]):
        np.testing.assert_array_equal(client.image_embedding(images), [[0.5, 0.5]] * len(images))
    tags = client.hashtag_embedding(["#dog", "nonsense"])
    np.testing.assert_array_equal(tags.embedding, np.float32([[0.1], [0]]))
    assert tags.known.tolist() == [True, False]


def test_version_and_label(connect):
    for choice in ({"version": 1}, {"version_label": "old"}):
        with connect(**choice) as client:
            (answer,) = client.predict([photo(0)], [DENVER])
            assert (answer.version, answer.hashtags[0].score) == (1, pytest.approx(1.2))
            np.testing.assert_allclose(client.hashtag_embedding(["dog"]).embedding, [[0.1]])


def test_inputs(client):
    descriptor = client.inputs("descriptor")
    assert (descriptor["descriptor"], descriptor["age"]) == ((False, (-1, 4)), (False, (-1,)))
    assert descriptor["country"].is_text
    assert client.inputs("slow") == {"steps": (False, ())}
    with pytest.raises(UserError, match="has no signature 'x'; it has classify, descrip"):
        client.inputs("x")


def test_facts_of_a_model_that_does_not_describe_them(client):
    facts = {fact.name: fact for fact in client.facts()}
    assert facts.keys() == User().facts.keys()
    assert facts["gender"] == ServedFact("gender", is_text=True, tells=True, values=())
    assert not facts["age"].is_text


def test_an_unavailable_server_is_asked_again(fake_server, ask):
    fake_server.fail(StatusCode.UNAVAILABLE, times=3)
    # By default, gRPC would not repeat a request as large as this one.
    assert ask(b"i" * 2**20)[0].version == 9
    assert fake_server.num_asked == 4


@pytest.mark.parametrize("attempts", [1, 3])
def test_it_is_asked_as_often_as_told(fake_server, ask, attempts):
    fake_server.fail(StatusCode.UNAVAILABLE, times=99)
    with pytest.raises(
        RequestError, match=r"no server answers at .*localhost.*\(a moment please\)"
    ) as caught:
        ask(attempts=attempts)
    assert caught.value.code is StatusCode.UNAVAILABLE
    assert fake_server.num_asked == attempts


@pytest.mark.parametrize("code", [StatusCode.INTERNAL, StatusCode.RESOURCE_EXHAUSTED])
def test_other_failures_are_not_repeated(fake_server, ask, code):
    fake_server.fail(code)
    with pytest.raises(RequestError, match="a moment please") as caught:
        ask()
    assert (caught.value.code, caught.value.details) == (code, "a moment please")
    assert fake_server.num_asked == 1


def test_an_overloaded_server_is_not_an_absent_one(fake_server, ask):
    words = "The batch scheduling queue to which this task was submitted is full; currently 9"
    fake_server.fail(StatusCode.UNAVAILABLE, words=words)
    with pytest.raises(RequestError) as caught:
        ask(attempts=1)
    assert str(caught.value) == f"{fake_server.address} is overloaded; try again later ({words})"


def test_retries_end_with_the_timeout(fake_server, ask):
    fake_server.fail(StatusCode.UNAVAILABLE, times=99)
    with pytest.raises(RequestError) as caught:
        ask(timeout=0.05)
    # Either may come first; five attempts would have taken a second.
    assert caught.value.code in (StatusCode.DEADLINE_EXCEEDED, StatusCode.UNAVAILABLE)
    assert fake_server.num_asked < 5


def test_a_deadline(fake_server, ask):
    with fake_server.stalled(), pytest.raises(RequestError, match=r"within 0\.2 s") as caught:
        ask(timeout=0.2)
    assert caught.value.code is StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"model": "cats", "version": 3}, "NOT_FOUND", "no model 'cats' with version 3; check"),
        ({"version_label": "x"}, "INVALID_ARGUMENT", "Unrecognized servable version label: x"),
        ({}, "INVALID_ARGUMENT", "refused the request: Unknown image file format"),
    ],
)
def test_errors_say_what_to_do(connect, options, code, words):
    with connect(**options) as client, pytest.raises(RequestError, match=words) as caught:
        client.predict([photo() if options else b"no image"])
    assert caught.value.code is StatusCode[code]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda c: c.predict(["/no/such.jpg"]), "cannot read the image /no/such.jpg: No such file"),
        (lambda c: c.predict([b"i"] * 2, [User()] * 3), "2 images and 3 users"),
        (lambda c: c.predict("ball.jpg"), r"images must be a list, .* write \[image\]"),
        (lambda c: c.predict([b"i"], []), "no users to ask for"),
        (lambda c: c.predict_descriptors([[1, 2], [3]]), "descriptors must be numbers"),
        (lambda c: c.hashtag_embedding("dog"), "hashtags must be a list of one or more, got 'dog'"),
    ],
)
def test_bad_arguments_are_never_sent(connect, fake_server, ask, words):
    with connect(fake_server.address) as client, pytest.raises(UserError, match=words):
        ask(client)
    assert not fake_server.num_asked


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": 0}, "timeout must be more than 0 seconds, got 0"),
        ({"attempts": 0}, "attempts must be 1 to 5, got 0"),
        ({"version": -1}, "version -1 is negative"),
        ({"version": 1, "version_label": "old"}, "not for both"),
        ({"model": ""}, "the model's name is empty"),
    ],
)
def test_clients_that_cannot_be(connect, options, words):
    with pytest.raises(UserError, match=words):
        connect(**options)


@contextlib.contextmanager
def encrypted_server(api, authority, *, ask):
    """A fake server with TLS; `ask` for the client's certificate."""
    if api == "rest":
        made = rest_server(rest_context(authority, ask=ask))
    else:
        made = grpc_server(grpc_credentials(authority, ask=ask))
    with made as server:
        yield ScriptedServer(server)


def test_an_encrypted_connection(api, connect, authority, tls_files, monkeypatch):
    with encrypted_server(api, authority, ask=False) as server:
        for address in (server.address, server.address.removeprefix("https://")):
            with connect(address, tls=Tls(ca=tls_files.ca)) as client:
                assert client.predict([b"i"])[0].version == 9
        # Over REST, a certificate that is not trusted is not tried again.
        monkeypatch.setattr(rest_client, "pause", lambda _: pytest.fail("asks again"))
        with (
            connect(server.address, tls=Tls(), attempts=5 if api == "rest" else 1) as stranger,
            pytest.raises(RequestError, match="(?i)check the TLS files .*verify.failed") as caught,
        ):
            stranger.predict([b"i"])
        assert caught.value.code is StatusCode.UNAVAILABLE
        assert server.num_asked == 2


def test_a_server_that_asks_for_the_clients_certificate(api, connect, authority, tls_files):
    known = Tls(ca=tls_files.ca, certificate=tls_files.certificate, key=tls_files.key)
    with encrypted_server(api, authority, ask=True) as server:
        with connect(server.address, tls=known) as client:
            assert client.predict([b"i"])[0].version == 9
        with (
            connect(server.address, tls=Tls(ca=tls_files.ca)) as nameless,
            pytest.raises(RequestError) as caught,
        ):
            nameless.predict([b"i"])
        assert caught.value.code is StatusCode.UNAVAILABLE
        assert server.num_asked == 1


def test_tls_files_that_cannot_be(tls_files):
    with pytest.raises(UserError, match="certificate and its key go together"):
        Tls(certificate=tls_files.certificate)
    with pytest.raises(UserError, match="cannot read the TLS file /no/ca.pem: No such file"):
        Tls(ca="/no/ca.pem")
