"""The page's program over HTTP, with a real model server behind it.

Version 2 of the model scores football 1.3, soccer 1.2, dog 1.1, sunset 1.0 and tbt 0.9; GB adds 1
to football, a photo its brightness to sunset, an age a hundredth of it to tbt; the best 3 count.
"""

import http.client
import json
import signal

import pytest
from demo_process import LONDON, NOBODY, Demo, Visitor
from serving_helpers import free_port, photo

from serving import ServerProcess
from serving.demo.photos import MAX_BYTES


@pytest.fixture(scope="module")
def server(hashtag_models):
    ports = {"port": free_port(), "rest_api_port": free_port()}
    server = ServerProcess(**ports, model_name="tags", model_base_path=hashtag_models)
    server.start()
    yield ports
    server.stop()


@pytest.fixture(scope="module", params=["grpc", "rest"])
def demo(request, server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    photos = folder / "photos"
    photos.mkdir()
    (photos / "white.png").write_bytes(photo(255))
    (photos / "notes.txt").write_text("private")
    addresses = {
        "grpc": f"localhost:{server['port']}",
        "rest": f"http://localhost:{server['rest_api_port']}",
    }
    demo = Demo(
        folder,
        server=addresses[request.param],
        model_name="tags",
        photos=photos,
        title="Tags <of> two",
        root_path="/demo",
    )
    yield demo
    ended = demo.stop(signal.SIGINT if request.param == "grpc" else signal.SIGTERM)
    assert ended == (0, "", "")
    assert not demo.connections.exists(), demo.connections.read_text()


@pytest.fixture
def visitor(demo):
    return Visitor(demo.url)


def test_two_people_are_told_their_hashtags(visitor):
    answer = visitor.predict(visitor.upload(photo(0)))
    assert answer.status == 200
    answer = answer.json()
    assert (answer["model"], answer["version"]) == ("tags", 2)
    assert answer["milliseconds"] >= 0
    first, second = answer["answers"]
    assert first[0] == {"hashtag": "football", "score": pytest.approx(2.3)}
    assert [tag["hashtag"] for tag in first[:2]] == ["football", "soccer"]
    assert [tag["hashtag"] for tag in second] == ["football", "soccer", "dog"]


def test_the_page_and_its_gallery(visitor):
    assert b"<h1>" in visitor.get("/").data
    for name in ("page.css", "page.js", "countries.tsv"):
        assert visitor.get(f"/{name}").status == 200
    page = visitor.get("/page.json").json()
    assert page["title"] == "Tags <of> two"
    assert page["genders"] == ["female", "male", "other"]
    (example,) = page["gallery"]
    assert visitor.get(f"/photos/{example['photo']}").data == photo(255)
    answer = visitor.predict(example["photo"]).json()
    assert [tag["hashtag"] for tag in answer["answers"][1]] == ["sunset", "football", "soccer"]


def test_the_page_below_the_path_of_a_proxy(visitor):
    assert visitor.get("/demo/").data == visitor.get("/").data
    assert visitor.get("/demo/page.json").json() == visitor.get("/page.json").json()
    proxied = Visitor(f"{visitor.url}/demo")
    assert proxied.predict(proxied.upload(photo(0))).status == 200


@pytest.mark.parametrize(
    "path",
    ["/x", "/../application.py", "/%2e%2e/application.py", "/..%2fapplication.py", "//etc/passwd"],
)
def test_no_other_file_is_read(demo, path):
    connection = http.client.HTTPConnection(demo.url.removeprefix("http://"))
    connection.request("GET", path)
    assert connection.getresponse().status == 404


def test_photos_of_visitors_are_shown_to_nobody(visitor):
    assert visitor.get(f"/photos/{visitor.upload(photo(3))}").status == 404


def test_what_the_page_or_only_the_model_cannot_read_is_refused(visitor):
    broken = visitor.upload(photo(size=64)[:60])
    for answer in (visitor.post("/photos", b"no photo"), visitor.predict(broken)):
        assert answer.status == 415
        assert "not a photo we can read" in answer.json()["error"]


def test_a_photo_that_was_never_sent(visitor):
    answer = visitor.predict("0" * 64)
    assert answer.status == 404
    assert "choose it again" in answer.json()["error"]


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        ({"gender": "robot"}, "gender"),
        ({"age": 151}, "age"),
        ({"latitude": None}, "latitude and longitude"),
    ],
)
def test_a_person_that_cannot_be(visitor, fact, words):
    answer = visitor.predict(visitor.upload(photo(0)), LONDON | fact, NOBODY)
    assert answer.status == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    "question",
    [
        "",
        "[]",
        "[" * 50_000,
        '{"photo": "a", "people": ["b", "c"]}',
        json.dumps({"photo": "a", "people": [NOBODY] * 3}),
    ],
)
def test_what_is_no_question(visitor, question):
    answer = visitor.post("/predict", question)
    assert answer.status == 400
    assert answer.json()["error"]


def test_bodies_have_limits(demo, visitor):
    assert visitor.post("/photos", photo(0) + bytes(MAX_BYTES)).status == 413
    assert visitor.post("/predict", bytes(2**16 + 1)).status == 413
    connection = http.client.HTTPConnection(demo.url.removeprefix("http://"))
    connection.putrequest("POST", "/photos")
    connection.putheader("Content-Length", str(MAX_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413  # before any of it is sent


def test_a_body_of_unknown_length_has_the_same_limit(visitor):
    parts = (bytes(2**20) for _ in range(25))
    assert visitor.post("/photos", parts, chunked=True).status == 413
    assert visitor.post("/photos", iter([photo(0)]), chunked=True).status == 200
