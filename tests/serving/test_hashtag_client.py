import subprocess
import sys
from concurrent import futures

import grpc
import numpy as np
import pytest
from serving_helpers import photo
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving import Hashtag, HashtagClient, Prediction, RequestError, User, tensors
from serving.model_server import MESSAGE_OPTIONS
from tagkeras.errors import UserError

Code = grpc.StatusCode
LONDON = User(country="gb", latitude=51.5, longitude=-0.1)
DENVER = User(age=30, country="US")


@pytest.fixture
def client(tags_server):
    with HashtagClient(tags_server.endpoint, "tags") as client:
        yield client


class FakeService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Fails as often as told, then answers; remembers the requests."""

    def __init__(self):
        self.failures = []
        self.requests = []

    def Predict(self, request, context):  # noqa: N802
        self.requests.append(request)
        if self.failures:
            context.abort(self.failures.pop(0), "a moment please")
        response = predict_pb2.PredictResponse()
        response.model_spec.version.value = 9
        response.outputs["hashtags"].CopyFrom(tensors.to_proto(np.array([[b"x"]], object)))
        response.outputs["scores"].CopyFrom(tensors.to_proto(np.array([[1.0]], np.float32)))
        return response


@pytest.fixture
def fake():
    service = FakeService()
    server = grpc.server(futures.ThreadPoolExecutor(2), options=MESSAGE_OPTIONS)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    service.endpoint = f"localhost:{server.add_insecure_port('localhost:0')}"
    server.start()
    yield service
    server.stop(None)


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


def test_it_is_not_asked_for_ever_nor_if_told_not_to(fake):
    for attempts in (5, 1):
        fake.requests.clear()
        fake.failures = [Code.UNAVAILABLE] * 99
        with (
            HashtagClient(fake.endpoint, "m", attempts=attempts) as client,
            pytest.raises(RequestError, match="no server answers at localhost") as caught,
        ):
            client.predict([b"i"])
        assert caught.value.code is Code.UNAVAILABLE
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
    assert caught.value.code is code
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
    assert caught.value.code in (Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE)
    assert len(fake.requests) < 5


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"age": -1}, "age -1 is no number from 0 to 150"),
        ({"age": float("nan")}, "age nan is no number"),
        ({"age": "30"}, "age '30' is no number"),
        ({"latitude": 91, "longitude": 0}, "latitude 91 is no number from -90 to 90"),
        ({"latitude": 0, "longitude": 181}, "longitude 181"),
        ({"latitude": 10}, "latitude and longitude go together"),
        ({"gender": "man"}, "gender 'man' is none of female, male, other"),
        ({"country": "England"}, "country 'England' is no ISO 3166"),
    ],
)
def test_users_that_cannot_be(fields, words):
    with pytest.raises(UserError, match=words):
        User(**fields)


def test_importing_the_package_is_light():
    code = (
        "import serving, sys; assert 'tensorflow' not in sys.modules and 'grpc' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
