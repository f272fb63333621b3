import subprocess
import sys

import grpc
import numpy as np
import pytest
from serving_helpers import WAIT, photo

import serving
from serving import (
    Hashtag,
    HashtagClient,
    Prediction,
    RequestError,
    StatusCode,
    Tls,
    User,
    tensors,
)
from tagkeras.cli.errors import UserError

Code = grpc.StatusCode
LONDON = User(country="gb", latitude=51.5, longitude=-0.1)
DENVER = User(age=30, country="US")


@pytest.fixture
def client(tags_server):
    with HashtagClient(tags_server.endpoint, "tags") as client:
        yield client


def names(prediction):
    return [tag.hashtag for tag in prediction.hashtags]


def test_one_photo_as_several_users(client):
    london, denver, nobody = client.predict([photo(0)], [LONDON, DENVER, User()])
    assert (london.model, london.version) == ("tags", 2)
    assert names(london) == ["football", "soccer", "dog"]
    assert names(denver) == ["soccer", "football", "tbt"]
    assert denver.hashtags[0] == Hashtag("soccer", pytest.approx(2.2))
    assert nobody.hashtags[0].score == pytest.approx(1.3)


def test_images_as_bytes_and_files_pairwise(client, tmp_path):
    (tmp_path / "white.png").write_bytes(photo(255))
    images = [photo(0), tmp_path / "white.png", str(tmp_path / "white.png")]
    black, white, again = client.predict(images, [DENVER, DENVER, User()])
    assert [names(p)[0] for p in (black, white, again)] == ["soccer", "soccer", "sunset"]
    assert [names(p)[0] for p in client.predict(images)] == ["football", "sunset", "sunset"]


def test_descriptors(client):
    rows = np.array([[0.0, 7, 7, 7], [5.0, 7, 7, 7]])
    first, second = client.predict_descriptors(rows, [LONDON])
    assert names(first)[0] == "football"
    assert names(second)[0] == "sunset"
    with pytest.raises(UserError, match=r"must be an array \[B, n\], got shape \(4,\)"):
        client.predict_descriptors(rows[0])


def test_embeddings(client):
    users = client.user_embedding([User(age=3), LONDON])
    np.testing.assert_allclose(users, [[3, np.nan, np.nan], [np.nan, 51.5, -0.1]], rtol=1e-6)
    assert client.image_embedding([photo(), photo()]).shape == (2, 2)
    tags = client.hashtag_embedding(["#dog", "nonsense"])
    np.testing.assert_allclose(tags.embedding, [[0.1], [0]])
    assert tags.known.tolist() == [True, False]


def test_version_and_label(tags_server):
    for choice in ({"version": 1}, {"version_label": "old"}):
        with HashtagClient(tags_server.endpoint, "tags", **choice) as client:
            assert client.predict([photo()])[0].version == 1
    with pytest.raises(UserError, match="not for both"):
        HashtagClient(tags_server.endpoint, "tags", version=1, version_label="old")


def test_input_shapes(tags_server, tags_url, client):
    descriptor = client.input_shapes("descriptor")
    assert descriptor["descriptor"] == (-1, 4)
    assert descriptor["age"] == (-1,)
    assert client.input_shapes("slow") == {"steps": ()}
    with serving.RestHashtagClient(tags_url, "tags") as rest:
        assert rest.input_shapes("descriptor") == descriptor
        assert rest.input_shapes("slow") == {"steps": ()}
        for one in (client, rest):
            with pytest.raises(UserError, match="has no signature 'x'; it has classify, descrip"):
                one.input_shapes("x")


def test_unknown_fields_are_filled_in(fake):
    with HashtagClient(fake.endpoint, "m") as client:
        assert client.predict([b"i"]) == [Prediction("m", 9, (Hashtag("x", 1.0),))]
    (request,) = fake.requests
    inputs = {name: tensors.from_proto(value) for name, value in request.inputs.items()}
    assert inputs["image"].tolist() == [b"i"]
    for name in ("age", "latitude", "longitude"):
        assert inputs[name].dtype == np.float32
        assert np.isnan(inputs[name]).tolist() == [True]
    for name in ("gender", "country"):
        assert inputs[name].tolist() == [b""]


@pytest.mark.parametrize("size", [10, 2**20])
def test_an_unavailable_server_is_asked_again(fake, size):
    fake.failures = [Code.UNAVAILABLE] * 3
    with HashtagClient(fake.endpoint, "m") as client:
        assert client.predict([b"i" * size])[0].version == 9
    assert len(fake.requests) == 4


def test_a_server_with_too_much_to_do_is_there(fake):
    fake.words = "The batch scheduling queue to which this task was submitted is full; currently 9"
    fake.failures = [Code.UNAVAILABLE]
    with (
        HashtagClient(fake.endpoint, "m", attempts=1) as client,
        pytest.raises(RequestError) as caught,
    ):
        client.predict([b"i"])
    message = str(caught.value)
    assert message == f"{fake.endpoint} is overloaded; try again later ({fake.words})"
    assert caught.value.code is StatusCode.UNAVAILABLE


def test_it_is_not_asked_for_ever_nor_if_told_not_to(fake):
    for attempts in (5, 1):
        fake.requests.clear()
        fake.failures = [Code.UNAVAILABLE] * 99
        with (
            HashtagClient(fake.endpoint, "m", attempts=attempts) as client,
            pytest.raises(RequestError, match="no server answers at localhost") as caught,
        ):
            client.predict([b"i"])
        assert caught.value.code is StatusCode.UNAVAILABLE
        assert len(fake.requests) == attempts


@pytest.mark.parametrize(
    "code", [Code.INTERNAL, Code.RESOURCE_EXHAUSTED, Code.INVALID_ARGUMENT, Code.NOT_FOUND]
)
def test_other_failures_are_not_repeated(fake, code):
    fake.failures = [code]
    with (
        HashtagClient(fake.endpoint, "m") as client,
        pytest.raises(RequestError, match="a moment please") as caught,
    ):
        client.predict([b"i"])
    assert caught.value.code is StatusCode[code.name]
    assert len(fake.requests) == 1


def test_errors_say_what_to_do(tags_server, client):
    with pytest.raises(RequestError, match="refused the request: Unknown image file format"):
        client.predict([b"no image"])
    with (
        HashtagClient(tags_server.endpoint, "cats", version=3) as other,
        pytest.raises(RequestError, match="serves no model 'cats' with version 3; check"),
    ):
        other.predict([photo()])
    with (
        HashtagClient("localhost:1", "tags", timeout=30) as nobody,
        pytest.raises(RequestError, match="no server answers at localhost:1; is it running"),
    ):
        nobody.predict([photo()])
    with pytest.raises(UserError, match=r"cannot read the image /no/such.jpg: No such file"):
        client.predict(["/no/such.jpg"])
    with pytest.raises(UserError, match="2 images and 3 users"):
        client.predict([photo()] * 2, [User()] * 3)
    with pytest.raises(UserError, match="no images"):
        client.predict([])


def test_a_call_takes_no_longer_than_its_timeout(fake):
    fake.failures = [Code.UNAVAILABLE] * 99
    with (
        HashtagClient(fake.endpoint, "m", timeout=0.05) as client,
        pytest.raises(RequestError) as caught,
    ):
        client.predict([b"i"])
    # What comes first is a matter of timing; five attempts would have taken a second.
    assert caught.value.code in (StatusCode.DEADLINE_EXCEEDED, StatusCode.UNAVAILABLE)
    assert len(fake.requests) < 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"timeout": 0}, "timeout must be more than 0 seconds, got 0"),
        ({"timeout": float("nan")}, "timeout must be more than 0 seconds, got nan"),
        ({"attempts": 0}, "attempts must be 1 to 5, got 0"),
        ({"attempts": 6}, "attempts must be 1 to 5, got 6"),
        ({"version": -1}, "version -1 is negative"),
        ({"model": ""}, "the model's name is empty"),
        ({"server": "localhost"}, "address 'localhost' does not end with a port from 1 to 65535"),
        ({"server": "localhost:85x"}, "does not end with a port"),
        ({"server": "localhost:"}, "does not end with a port"),
        ({"server": "localhost:0"}, "does not end with a port"),
        ({"server": "localhost:65536"}, "does not end with a port"),
        ({"server": "http://localhost:8501"}, "is a URL: gRPC takes host:port; RestHashtagClient"),
    ],
)
def test_clients_that_cannot_be(arguments, words):
    with pytest.raises(UserError, match=words):
        HashtagClient(**{"server": "localhost:1", "model": "m", **arguments})


@pytest.mark.parametrize("server", ["[::1]:1", "dns:///localhost:65535", "unix:/run/tags.sock"])
def test_addresses_of_other_kinds(server):
    with HashtagClient(server, "m"):
        pass


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda c: c.predict("ball.jpg"), r"images must be a list, .* write \[image\]"),
        (lambda c: c.predict([np.zeros(3)]), "encoded bytes or the path of a file, got ndarray"),
        (lambda c: c.predict([b"i"], []), "no users to ask for"),
        (lambda c: c.predict_descriptors([[1, 2], [3]]), "descriptors must be numbers"),
        (lambda c: c.predict_descriptors(np.zeros((2, 3)), [User()] * 3), "2 descriptors and 3"),
        (lambda c: c.user_embedding([]), "no users"),
        (lambda c: c.hashtag_embedding([]), "hashtags must be a list of one or more"),
        (lambda c: c.hashtag_embedding("dog"), "hashtags must be a list of one or more, got 'dog'"),
    ],
)
def test_bad_arguments_are_never_sent(fake, ask, words):
    with HashtagClient(fake.endpoint, "m") as client, pytest.raises(UserError, match=words):
        ask(client)
    assert not fake.requests


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
    inputs = {name: tensors.from_proto(value).tolist() for name, value in request.inputs.items()}
    assert inputs["image"] == [b"1", b"2", b"3"]
    assert inputs["age"][0] == 34
    assert inputs["gender"] == [b"", b"other", b""]
    assert inputs["country"] == [b"", b"", b"GB"]
    assert inputs["latitude"][2] == 51.5


def test_an_answer_of_another_kind_of_model(fake):
    fake.outputs = {"y": [1.0], "x": [1.0]}
    with (
        HashtagClient(fake.endpoint, "m") as client,
        pytest.raises(UserError, match=r"without 'hashtags' \(x, y\): it is not a hashtag model"),
    ):
        client.predict([b"i"])


def test_a_deadline(fake):
    with fake.held(), HashtagClient(fake.endpoint, "m", timeout=0.2) as client:
        with pytest.raises(RequestError, match="did not answer within 0.2 s") as caught:
            client.predict([b"i"])
    assert caught.value.code is StatusCode.DEADLINE_EXCEEDED


def test_an_encrypted_connection(fake_tls, tls_files):
    trusting = Tls(ca=tls_files.ca)
    with HashtagClient(fake_tls.endpoint, "m", tls=trusting) as client:
        assert client.predict([b"i"])[0].version == 9
    with (
        HashtagClient(fake_tls.endpoint, "m", tls=Tls(), attempts=1, timeout=WAIT) as stranger,
        pytest.raises(RequestError, match="check the TLS files .*CERTIFICATE_VERIFY") as caught,
    ):
        stranger.predict([b"i"])
    assert caught.value.code is StatusCode.UNAVAILABLE
    assert len(fake_tls.requests) == 1


def test_a_server_that_asks_for_the_clients_certificate(fake_mutual_tls, tls_files):
    known = Tls(ca=tls_files.ca, certificate=tls_files.certificate, key=tls_files.key)
    with HashtagClient(fake_mutual_tls.endpoint, "m", tls=known) as client:
        assert client.predict([b"i"])[0].version == 9
    with (
        HashtagClient(fake_mutual_tls.endpoint, "m", tls=Tls(ca=tls_files.ca)) as nameless,
        pytest.raises(RequestError) as caught,
    ):
        nameless.predict([b"i"])
    assert caught.value.code is StatusCode.UNAVAILABLE
    assert len(fake_mutual_tls.requests) == 1


def test_tls_files_that_cannot_be(tls_files):
    with pytest.raises(UserError, match="certificate and its key go together"):
        Tls(certificate=tls_files.certificate)
    with pytest.raises(UserError, match="cannot read the TLS file /no/ca.pem: No such file"):
        Tls(ca="/no/ca.pem")


def test_importing_the_package_is_light():
    code = (
        "import serving, sys; serving.RestHashtagClient, serving.Prediction, serving.RequestError;"
        "heavy = {'tensorflow', 'grpc', 'numpy'} & sys.modules.keys(); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_there():
    for name in serving.__all__:
        assert getattr(serving, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Client'"):
        serving.Client  # noqa: B018
