"""What is particular to the REST client."""

import json
import math
from concurrent import futures

import pytest
from serving_helpers import photo

from serving import Hashtag, Prediction, RequestError, RestHashtagClient, StatusCode, Tls, User
from serving.client import rest_client
from tagkeras.cli.errors import UserError

LONDON = User(age=34, gender="female", country="gb", latitude=51.5, longitude=-0.1)
STATUS = "GET /v1/models/m"
PREDICT = "POST /v1/models/m/versions/9:predict"


@pytest.fixture
def ask(fake_rest):
    """Asks the fake server about an image, and says which version answered."""

    def ask(**options):
        with RestHashtagClient(fake_rest.url, "m", **options) as client:
            return client.predict([b"i"])[0].version

    return ask


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


def test_a_version_that_is_unloaded_in_between(fake_rest, ask):
    gone = (404, b'{"error": "Servable not found for request: Specific(m, 8)"}')
    old = (200, b'{"model_version_status": [{"version": "8", "state": "AVAILABLE"}]}')
    fake_rest.replies = [old, gone]
    assert ask() == 9
    assert fake_rest.requests == [STATUS, PREDICT.replace("9", "8"), STATUS, PREDICT]


def test_the_version_of_a_label_is_in_the_metadata(fake_rest, ask):
    assert ask(version_label="a b") == 9
    assert fake_rest.requests == ["GET /v1/models/m/labels/a%20b/metadata", PREDICT]


def test_a_model_without_an_available_version(fake_rest, ask):
    loading = (200, b'{"model_version_status": [{"version": "8", "state": "LOADING"}]}')
    fake_rest.replies = [loading] * 2
    with pytest.raises(RequestError, match="no version is available") as caught:
        ask()
    assert caught.value.code is StatusCode.NOT_FOUND
    assert set(fake_rest.requests) == {STATUS}


def test_a_connection_that_breaks_off_is_tried_again(fake_rest, ask):
    fake_rest.replies = ["drop"] * 3
    assert ask(version=9) == 9
    assert fake_rest.requests == [PREDICT] * 4
    assert len(set(fake_rest.bodies)) == 1


@pytest.mark.parametrize(("status", "code"), [(403, "PERMISSION_DENIED"), (502, "INTERNAL")])
def test_statuses_that_a_proxy_may_give(fake_rest, ask, status, code):
    fake_rest.replies = [(status, b"<html>")]
    with pytest.raises(RequestError, match=f"HTTP status {status}") as caught:
        ask(version=9)
    assert caught.value.code is StatusCode[code]


def test_a_server_without_the_api(fake_rest, ask):
    page = b"<html>Welcome</html>"
    for reply in ((404, page), (200, page), (200, b"{}"), (200, b"[]")):
        for choice in ({}, {"version": 9}):
            fake_rest.replies = [reply]
            with pytest.raises(RequestError, match="it is not the REST API of a model server"):
                ask(**choice)


def test_the_port_of_the_other_api(tags_server, monkeypatch):
    monkeypatch.setattr(rest_client, "pause", lambda _: pytest.fail("asks again"))
    with (
        RestHashtagClient(tags_server.endpoint, "tags") as client,
        pytest.raises(RequestError, match=r"is not an HTTP server; is it .* gRPC API\?$"),
    ):
        client.predict([b"i"])


def test_pauses_grow_and_differ():
    for failures, seconds in enumerate([0.1, 0.2, 0.4, 0.8, 0.8], start=1):
        pauses = {rest_client.pause(failures) for _ in range(20)}
        assert len(pauses) > 1
        assert all(0.8 * seconds <= pause <= 1.2 * seconds for pause in pauses)


@pytest.mark.parametrize("server", ["ftp://host:1", "http://", "host:port", "http://host:99999"])
def test_addresses_that_cannot_be(server):
    with pytest.raises(UserError, match="is not the address of a REST API; give http://host:port"):
        RestHashtagClient(server, "m")


def test_tls_that_cannot_be(tls_files, tmp_path):
    with pytest.raises(UserError, match="is not encrypted, but TLS is asked for; write https://"):
        RestHashtagClient("http://localhost:1", "m", tls=Tls())
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(UserError, match=r"the TLS files .*bad.pem are not PEM or do not match"):
        RestHashtagClient("https://localhost:1", "m", tls=Tls(ca=tmp_path / "bad.pem"))
