import json
import math
import socket
import subprocess
import sys
from concurrent import futures

import numpy as np
import pytest
from serving_helpers import WAIT, photo

from serving import (
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
from tagkeras.cli.errors import UserError

LONDON = User(age=34, gender="female", country="gb", latitude=51.5, longitude=-0.1)
DENVER = User(age=30, country="US")
UNAVAILABLE = (503, b'{"error": "a moment please"}')
STATUS = "GET /v1/models/m"
PREDICT = "POST /v1/models/m/versions/9:predict"


def test_answers_equal_those_over_grpc(tags_server, tags_url, tmp_path):
    (tmp_path / "white.png").write_bytes(photo(255))
    images = [photo(0), tmp_path / "white.png", photo(77)]
    with (
        RestHashtagClient(tags_url, "tags") as rest,
        HashtagClient(tags_server.endpoint, "tags") as grpc,
    ):
        assert rest.predict(images, [LONDON, DENVER, User()]) == grpc.predict(
            images, [LONDON, DENVER, User()]
        )
        rows = np.linspace(0, 1, 8).reshape(2, 4)
        assert rest.predict_descriptors(rows, [LONDON]) == grpc.predict_descriptors(rows, [LONDON])
        for ask in (
            lambda c: c.user_embedding([LONDON, DENVER, User()]),
            lambda c: c.image_embedding(images),
            lambda c: c.hashtag_embedding(["#dog", "no"]).embedding,
            lambda c: c.hashtag_embedding(["#dog", "no"]).known,
        ):
            over_rest, over_grpc = ask(rest), ask(grpc)
            assert over_rest.dtype == over_grpc.dtype
            np.testing.assert_array_equal(over_rest, over_grpc)


def test_typed_results(tags_url):
    with RestHashtagClient(tags_url.removeprefix("http://"), "tags") as client:
        (answer,) = client.predict([photo(0)], [DENVER])
    assert isinstance(answer, Prediction)
    assert (answer.model, answer.version) == ("tags", 2)
    assert answer.hashtags[0] == Hashtag("soccer", pytest.approx(2.2))


def test_version_and_label(tags_url):
    for choice in ({"version": 1}, {"version_label": "old"}):
        with RestHashtagClient(tags_url, "tags", **choice) as client:
            (answer,) = client.predict([photo(0)], [DENVER])
            assert answer.version == 1
            assert answer.hashtags[0].score == pytest.approx(1.2)
            np.testing.assert_allclose(client.hashtag_embedding(["dog"]).embedding, [[0.1]])


def test_what_is_sent(fake_rest):
    with RestHashtagClient(fake_rest.url, "m") as client:
        assert client.predict([b"i"], [LONDON]) == [Prediction("m", 9, (Hashtag("x", 1.0),))]
        client.predict([b"i"])
        client.predict_descriptors([[1, 2]])
    assert fake_rest.requests == [STATUS, PREDICT] * 3
    assert len(fake_rest.connections) == 1
    assert fake_rest.bodies[0] == (
        b'{"signature_name": "serving_default", "inputs": {"image": [{"b64": "aQ=="}], '
        b'"age": [34.0], "gender": ["female"], "country": ["GB"], "latitude": [51.5], '
        b'"longitude": [-0.1]}}'
    )
    assert b'"age": [NaN], "gender": [""], "country": [""]' in fake_rest.bodies[1]
    assert math.isnan(json.loads(fake_rest.bodies[1])["inputs"]["longitude"][0])
    assert b'"descriptor": [[1.0, 2.0]]' in fake_rest.bodies[2]


def test_threads_share_a_client(tags_url):
    photos = [photo(brightness) for brightness in range(0, 240, 10)]
    with RestHashtagClient(tags_url, "tags") as client, futures.ThreadPoolExecutor(12) as pool:
        together = client.predict(photos)
        alone = list(pool.map(lambda one: client.predict([one])[0], photos))
    assert alone == together
    assert len({answer.hashtags for answer in alone}) > 12


def test_a_given_version_takes_one_request(fake_rest):
    with RestHashtagClient(fake_rest.url, "m/n", version=3) as client:
        assert client.predict([b"i"])[0].version == 3
    assert fake_rest.requests == ["POST /v1/models/m%2Fn/versions/3:predict"]


def test_a_version_that_is_unloaded_in_between(fake_rest):
    gone = (404, b'{"error": "Servable not found for request: Specific(m, 8)"}')
    old = (200, b'{"model_version_status": [{"version": "8", "state": "AVAILABLE"}]}')
    fake_rest.replies = [old, gone]
    with RestHashtagClient(fake_rest.url, "m") as client:
        assert client.predict([b"i"])[0].version == 9
    assert fake_rest.requests == [STATUS, PREDICT.replace("9", "8"), STATUS, PREDICT]


def test_the_version_of_a_label_is_in_the_metadata(fake_rest):
    with RestHashtagClient(fake_rest.url, "m", version_label="a b") as client:
        assert client.predict([b"i"])[0].version == 9
    assert fake_rest.requests == ["GET /v1/models/m/labels/a%20b/metadata", PREDICT]


def test_a_model_without_an_available_version(fake_rest):
    fake_rest.replies = [
        (200, b'{"model_version_status": [{"version": "8", "state": "LOADING"}]}')
    ] * 2
    with (
        RestHashtagClient(fake_rest.url, "m") as client,
        pytest.raises(RequestError, match="no version is available") as caught,
    ):
        client.predict([b"i"])
    assert caught.value.code is StatusCode.NOT_FOUND
    assert set(fake_rest.requests) == {STATUS}


@pytest.mark.parametrize("trouble", [UNAVAILABLE, "drop"])
def test_an_unavailable_server_is_asked_again(fake_rest, trouble):
    fake_rest.replies = [trouble] * 3
    with RestHashtagClient(fake_rest.url, "m", version=9) as client:
        assert client.predict([b"i"])[0].version == 9
    assert fake_rest.requests == [PREDICT] * 4
    assert len(set(fake_rest.bodies)) == 1


@pytest.mark.parametrize("attempts", [1, 3, 5])
def test_it_is_asked_as_often_as_told(fake_rest, attempts):
    fake_rest.replies = [UNAVAILABLE] * 99
    with (
        RestHashtagClient(fake_rest.url, "m", attempts=attempts) as client,
        pytest.raises(RequestError, match=r"no server answers at .*\(a moment please\)") as caught,
    ):
        client.predict([b"i"])
    assert caught.value.code is StatusCode.UNAVAILABLE
    assert len(fake_rest.requests) == attempts


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, StatusCode.INVALID_ARGUMENT),
        (404, StatusCode.NOT_FOUND),
        (413, StatusCode.INVALID_ARGUMENT),
        (429, StatusCode.RESOURCE_EXHAUSTED),
        (500, StatusCode.INTERNAL),
        (501, StatusCode.UNIMPLEMENTED),
        (504, StatusCode.DEADLINE_EXCEEDED),
    ],
)
def test_other_failures_are_not_repeated(fake_rest, status, code):
    fake_rest.replies = [(status, b'{"error": "nothing doing"}')]
    with (
        RestHashtagClient(fake_rest.url, "m", version=9) as client,
        pytest.raises(RequestError, match="nothing doing") as caught,
    ):
        client.predict([b"i"])
    assert caught.value.code is code
    assert caught.value.details == "nothing doing"
    assert len(fake_rest.requests) == 1


def test_a_server_without_the_api(fake_rest):
    page = b"<html>Welcome</html>"
    for reply in ((404, page), (200, page), (200, b"{}"), (200, b"[]")):
        for choice in ({}, {"version": 9}):
            fake_rest.replies = [reply]
            with (
                RestHashtagClient(fake_rest.url, "m", **choice) as client,
                pytest.raises(RequestError, match="it is not the REST API of a model server"),
            ):
                client.predict([b"i"])


def test_pauses_do_not_outlast_the_timeout(fake_rest):
    fake_rest.replies = [UNAVAILABLE] * 99
    with (
        RestHashtagClient(fake_rest.url, "m", timeout=0.05) as client,
        pytest.raises(RequestError) as caught,
    ):
        client.predict([b"i"])
    # What comes first is a matter of timing; the first pause would be longer than the timeout.
    assert caught.value.code in (StatusCode.DEADLINE_EXCEEDED, StatusCode.UNAVAILABLE)
    assert len(fake_rest.requests) <= 1


def test_a_deadline_within_an_answer(fake_rest):
    fake_rest.replies = ["stall"]
    with RestHashtagClient(fake_rest.url, "m", timeout=0.2) as client:
        with pytest.raises(RequestError, match=r"did not answer within 0\.2 s$") as caught:
            client.predict([b"i"])
    assert caught.value.code is StatusCode.DEADLINE_EXCEEDED
    assert fake_rest.requests == [STATUS]


def test_a_timeout_that_is_over_at_once(fake_rest):
    with (
        RestHashtagClient(fake_rest.url, "m", timeout=1e-9) as client,
        pytest.raises(RequestError, match=r"localhost:\d+ did not answer within 1e-09 s$"),
    ):
        client.predict([b"i"])


def test_the_port_of_the_other_api(tags_server, monkeypatch):
    monkeypatch.setattr(rest_client, "pause", lambda _: pytest.fail("asks again"))
    with (
        RestHashtagClient(tags_server.endpoint, "tags") as client,
        pytest.raises(RequestError, match=r"is not an HTTP server; is it .* gRPC API\?$"),
    ):
        client.predict([b"i"])


def test_errors_say_what_to_do(tags_url):
    with RestHashtagClient(tags_url, "tags") as client:
        with pytest.raises(RequestError, match="refused the request: Unknown image") as caught:
            client.predict([b"no image"])
        assert caught.value.code is StatusCode.INVALID_ARGUMENT
    with (
        RestHashtagClient(tags_url, "cats", version=3) as other,
        pytest.raises(RequestError, match="serves no model 'cats' with version 3") as caught,
    ):
        other.predict([photo()])
    assert caught.value.code is StatusCode.NOT_FOUND
    with (
        RestHashtagClient(tags_url, "tags", version_label="x") as unlabelled,
        pytest.raises(RequestError, match="Unrecognized servable version label: x") as caught,
    ):
        unlabelled.predict([photo()])
    assert caught.value.code is StatusCode.INVALID_ARGUMENT
    with pytest.raises(UserError, match=r"cannot read the image /no/such.jpg: No such file"):
        client.predict(["/no/such.jpg"])


def test_pauses_grow_and_differ():
    for failures, seconds in enumerate([0.1, 0.2, 0.4, 0.8, 0.8], start=1):
        pauses = {rest_client.pause(failures) for _ in range(20)}
        assert len(pauses) > 1
        assert all(0.8 * seconds <= pause <= 1.2 * seconds for pause in pauses)


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with (
        RestHashtagClient(url, "m", timeout=WAIT) as client,
        pytest.raises(RequestError, match=f"no server answers at {url}; is it .*refused") as caught,
    ):
        client.predict([b"i"])
    assert caught.value.code is StatusCode.UNAVAILABLE


def test_an_encrypted_connection(fake_https, tls_files, monkeypatch):
    bare = fake_https.url.removeprefix("https://")
    for server in (fake_https.url, bare):
        with RestHashtagClient(server, "m", tls=Tls(ca=tls_files.ca)) as client:
            assert client.predict([b"i"])[0].version == 9
    fake_https.requests.clear()
    # A certificate does not become valid: no second attempt, so no pause before it.
    monkeypatch.setattr(rest_client, "pause", lambda _: pytest.fail("asks again"))
    with (
        RestHashtagClient(fake_https.url, "m") as stranger,
        pytest.raises(RequestError, match="check the TLS files .*verify failed") as caught,
    ):
        stranger.predict([b"i"])
    assert caught.value.code is StatusCode.UNAVAILABLE
    assert not fake_https.requests


def test_a_server_that_asks_for_the_clients_certificate(fake_mutual_https, tls_files):
    url = fake_mutual_https.url
    known = Tls(ca=tls_files.ca, certificate=tls_files.certificate, key=tls_files.key)
    with RestHashtagClient(url, "m", tls=known) as client:
        assert client.predict([b"i"])[0].version == 9
    fake_mutual_https.requests.clear()
    with (
        RestHashtagClient(url, "m", tls=Tls(ca=tls_files.ca)) as nameless,
        pytest.raises(RequestError) as caught,
    ):
        nameless.predict([b"i"])
    assert caught.value.code is StatusCode.UNAVAILABLE
    assert not fake_mutual_https.requests


@pytest.mark.parametrize(
    "server", ["ftp://host:1", "http://", "host:port", "http://host:99999", "http://host:0", ""]
)
def test_addresses_that_cannot_be(server):
    with pytest.raises(UserError, match="is not the address of a REST API; give http://host:port"):
        RestHashtagClient(server, "m")


def test_tls_that_cannot_be(tls_files, tmp_path):
    with pytest.raises(UserError, match="is not encrypted, but TLS is asked for; write https://"):
        RestHashtagClient("http://localhost:1", "m", tls=Tls())
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(UserError, match=r"the TLS files .*bad.pem are not PEM or do not match"):
        RestHashtagClient("https://localhost:1", "m", tls=Tls(ca=tmp_path / "bad.pem"))


def test_asking_for_hashtags_loads_nothing_heavy(tags_url, tmp_path):
    (tmp_path / "photo.png").write_bytes(photo())
    code = (
        "import serving, sys\n"
        "with serving.RestHashtagClient(sys.argv[1], 'tags') as client:\n"
        "    (answer,) = client.predict([sys.argv[2]])\n"
        "print(answer.version)\n"
        "heavy = {'tensorflow', 'grpc', 'numpy', 'google.protobuf'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    argv = [sys.executable, "-c", code, tags_url, str(tmp_path / "photo.png")]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout == "2\n"
