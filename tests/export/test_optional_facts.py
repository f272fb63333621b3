"""Facts of a dataset's own, and facts that are left out, through export, servers and clients."""

import base64
import io
import json
import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import urllib3
from numpy_embeddings import multiplicative, weights_of
from PIL import Image
from tensorflow_serving.apis import predict_pb2
from tiny_cnn import save_cnn

from serving import HashtagClient, RequestError, RestHashtagClient, StatusCode, User, tensors
from serving.client.answers import ServedFact
from serving.inspect.saved_model_summary import describe, summarize
from serving.server.flags import ManagerOptions
from serving.server.model_server import ModelServer
from serving.server.models import model_config
from tagkeras.data.facts import FactSchema
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.export.hashtag_ranker import HashtagRanker
from tagkeras.export.requests import GraphBatching
from tagkeras.images.cnn.descriptor_model import DescriptorModel, save_descriptor_model
from tagkeras.images.cnn.load import load_cnn
from tagkeras.layers import MultiplicativeEmbedding
from tagkeras.models import HashtagModel
from tagkeras.retrieval import ExactTopK

N, Y, K = 6, 30, 5
FACTS = FactSchema(
    ("US", "GB"),
    categories={f"kind{i}": tuple(f"value {j}" for j in range(50)) for i in range(20)},
    numbers={f"number{i}": (10.0 * i, 1.0 + i) for i in range(10)},
)
MASKED = ("gender", "place", "kind3", "number4")
ANN = User(age=34, country="GB", more={"kind0": "value 7", "kind5": "value 49", "number2": 24.5})
TAGS = tuple(f"tag{tag}" for tag in range(Y))


def manifest():
    varies = [c.fact not in MASKED for c in FACTS.columns for _ in c.names]
    return Manifest(
        descriptor_size=N,
        descriptor_dtype="float32",
        num_tags=Y,
        splits={},
        user_descriptor={**FACTS.to_dict(), "varies": varies},
    )


def save(path, descriptor_model, batching=None):
    mask = manifest().varies
    embedding = MultiplicativeEmbedding(8, rank=8, seed=0, initial_stddev=0.5, user_mask=mask)
    model = HashtagModel(embedding, Y, seed=1)
    model.build({"descriptor": (None, N), "user_descriptor": (None, FACTS.size)})
    vocabulary = path.parent / "vocabulary.tsv"
    vocabulary.parent.mkdir(exist_ok=True)
    Vocabulary(TAGS, np.ones(Y, np.int64)).save(vocabulary)
    index = ExactTopK(model.tag_table, K)
    ranker = HashtagRanker(
        embedding, index, manifest(), str(vocabulary), descriptor_model, batching=batching
    )
    tf.saved_model.save(ranker.resources(), str(path), signatures=ranker.signatures())
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model of photos, `tags`, and one of descriptors in batches, `ready`."""
    folder = tmp_path_factory.mktemp("facts")
    save_cnn(folder / "cnn.keras")
    save_descriptor_model(load_cnn(str(folder / "cnn.keras")), folder / "model")
    descriptor_model = DescriptorModel.load(folder / "model")
    model = save(folder / "tags" / "1", descriptor_model)
    save(folder / "ready" / "1", None, GraphBatching(max_batch_size=4))
    return SimpleNamespace(folder=folder, model=model, descriptor_model=descriptor_model)


@pytest.fixture(scope="module")
def server(exported):
    config = model_config.single_model("tags", str(exported.folder / "tags"))
    other = config.model_config_list.config.add()
    other.CopyFrom(config.model_config_list.config[0])
    other.name, other.base_path = "ready", str(exported.folder / "ready")
    options = ManagerOptions(max_num_load_retries=0)
    with ModelServer(config, options=options, rest_port=0) as server:
        yield server


@pytest.fixture(params=["grpc", "rest"])
def client(request, server):
    clients = {"grpc": (HashtagClient, server.endpoint)}
    clients["rest"] = (RestHashtagClient, f"http://{server.rest_endpoint}")
    kind, address = clients[request.param]
    with kind(address, "tags") as client:
        yield client


def photo(seed=0):
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def descriptors(rows=3):
    return np.random.default_rng(0).normal(size=(rows, N)).astype(np.float32)


def grpc(server, signature, model="tags", **inputs):
    """Hashtags and scores that a bare request is answered with."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, values in inputs.items():
        array = np.array(values)
        array = array.astype(object if array.dtype.kind in "SU" else np.float32)
        request.inputs[name].CopyFrom(tensors.to_proto(array))
    with HashtagClient(server.endpoint, model) as client:
        answer = client._call(client._stub.Predict, request)
    return [tensors.from_proto(answer.outputs[name]).tolist() for name in ("hashtags", "scores")]


def rest(server, signature, model="tags", api="predict", **body):
    url = f"http://{server.rest_endpoint}/v1/models/{model}:{api}"
    named = {"signature_name": signature, **body}
    return urllib3.request("POST", url, body=json.dumps(named), timeout=60).json()


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


def oracle(user):
    """The user descriptor, masked, by its definition."""
    u = [0.5 if user.age is None else min(user.age, 100) / 100, 0]
    u += [float(user.country == code) for code in FACTS.countries] + [0, 0, 0]
    for name, values in FACTS.categories.items():
        u += [float(user.more.get(name) == value) for value in values]
    for name, (mean, std) in FACTS.numbers.items():
        u.append(np.clip((user.more.get(name, mean) - mean) / std, -5, 5))
    return np.where(manifest().varies, u, 0)


def test_the_graph_agrees_with_the_formulas(exported, server):
    """To 1e-6, with 20 categories of 50 values and 10 numbers."""
    weights = weights_of(exported.model.embedding)
    users = [ANN, User(), User(age=120, more={"number9": 1e6, "kind19": "value 0", "kind3": "no"})]
    with HashtagClient(server.endpoint, "ready") as client:
        phi = client.image_embedding(descriptors(), users)
        h = client.user_embedding(users)
        predictions = client.predict_descriptors(descriptors(), users)
    assert FACTS.size == 1017
    for row, (x, user) in enumerate(zip(descriptors(), users, strict=True)):
        u = oracle(user)
        hidden = np.maximum(weights["W"] @ u + weights["b"], 0)
        expected = multiplicative(weights, x.astype(np.float64), u)
        np.testing.assert_allclose(h[row], hidden, atol=1e-6 * np.abs(hidden).max())
        np.testing.assert_allclose(phi[row], expected, atol=1e-6 * np.abs(expected).max())
        scores = exported.model.tag_table.numpy().astype(np.float64) @ expected
        best = [TAGS[tag] for tag in np.argsort(-scores)[:K]]
        assert [hashtag.hashtag for hashtag in predictions[row].hashtags] == best


def test_facts_are_optional_over_grpc(server):
    image = [photo(0), photo(1)]
    nothing = {f.name: ["" if f.is_text else math.nan] * 2 for f in FACTS.facts}
    of_unknown = grpc(server, "serving_default", image=image, **nothing)
    assert grpc(server, "serving_default", image=image) == of_unknown
    assert grpc(server, "photo", image=image) == of_unknown
    three = {"age": [34.0, 60.0], "country": ["GB", "US"], "kind0": ["value 7", ""]}
    of_three = grpc(server, "serving_default", image=image, **{**nothing, **three})
    assert grpc(server, "serving_default", image=image, **three) == of_three != of_unknown
    texts = {**{name: ["", ""] for name in nothing}, **three, "age": ["34", " 6e1 "]}
    assert grpc(server, "text_facts", image=image, **texts) == of_three
    assert grpc(server, "text_facts", image=image, age=["34", "60.0"]) != of_unknown


@pytest.mark.parametrize("model", ["tags", "ready"])
def test_the_twins_for_descriptors(server, model):
    given = {"model": model, "descriptor": descriptors(2).tolist()}
    of_unknown = grpc(server, "descriptor", **given)
    assert grpc(server, "descriptor_only", **given) == of_unknown
    told = grpc(server, "descriptor", **given, age=[34.0, math.nan], number2=[24.5, 20.0])
    in_texts = {"age": ["34", ""], "number2": ["24.5", "+20."]}
    assert grpc(server, "descriptor_text_facts", **given, **in_texts) == told != of_unknown


def test_masked_facts_change_no_answer(server):
    told = {"gender": ["male"], "latitude": [51.5], "longitude": [-0.1], "number4": [1e9]}
    of_unknown = grpc(server, "serving_default", image=[photo()])
    assert grpc(server, "serving_default", image=[photo()], **told, kind3=["value 1"]) == of_unknown


def test_over_rest(server):
    image = {"image": b64(photo())}
    hashtags, scores = grpc(server, "photo", image=[photo()])
    answer = rest(server, "photo", inputs={"image": [b64(photo())]})["outputs"]
    assert [[tag.encode() for tag in answer["hashtags"][0]]] == hashtags
    np.testing.assert_allclose(answer["scores"], scores, rtol=1e-6)
    assert rest(server, "photo", instances=[image])["predictions"][0]["scores"]
    nothing = {fact.name: "" for fact in FACTS.facts}
    row = {**image, **nothing, "age": "34", "country": "gb", "number2": "24.5"}
    answer = rest(server, "text_facts", instances=[row])["predictions"][0]
    told = {"age": [34.0], "country": ["GB"], "number2": [24.5]}
    expected = grpc(server, "serving_default", image=[photo()], **told)
    assert [[tag.encode() for tag in answer["hashtags"]]] == expected[0]
    np.testing.assert_allclose([answer["scores"]], expected[1], rtol=1e-6)


def test_texts_that_are_no_values(server):
    bad = {
        "age": (
            ["150.1", "x", "nan", "1_0"],
            "age must be a number from 0 to 150, as a text such as 34.5",
        ),
        "latitude": (["-91"], "latitude must be a number from -90 to 90"),
        "number2": (["1e39", "1,5"], "number2 must be a number, as a text"),
        "country": (
            ["Britain", "Ä"],
            "country must be two letters (ISO 3166 alpha-2) such as GB",
        ),
    }
    for name, (texts, words) in bad.items():
        for text in texts:
            with pytest.raises(RequestError) as caught:
                grpc(server, "text_facts", image=[photo()] * 2, **{name: ["", text]})
            assert caught.value.code is StatusCode.INVALID_ARGUMENT
            assert words in str(caught.value)
            assert "or an empty text if it is unknown" in str(caught.value)


def test_rows_that_do_not_fit(server):
    for told in ({"age": [34.0]}, {"age": [34.0] * 3}, {"kind0": ["", "", ""]}):
        with pytest.raises(RequestError, match="must have equally many rows") as caught:
            grpc(server, "serving_default", image=[photo()] * 2, **told)
        assert caught.value.code is StatusCode.INVALID_ARGUMENT
    one_unknown = grpc(server, "serving_default", image=[photo()] * 2, age=[math.nan])
    assert one_unknown == grpc(server, "photo", image=[photo()] * 2)


def test_embedding_of_users_who_tell_little(server):
    with HashtagClient(server.endpoint, "tags") as client:
        outputs = []
        for told in ({"age": np.float32([30, 40])}, {}):
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = "tags", "user_embedding"
            for name, values in told.items():
                request.inputs[name].CopyFrom(tensors.to_proto(values))
            answer = client._call(client._stub.Predict, request)
            outputs.append(tensors.from_proto(answer.outputs["embedding"]))
        np.testing.assert_array_equal(
            outputs[0], client.user_embedding([User(age=30), User(age=40)])
        )
        np.testing.assert_array_equal(outputs[1], client.user_embedding([User()]))


def test_a_whole_number_in_an_example_says_what_to_send(server):
    answer = rest(server, "classify", api="classify", examples=[{"image": b64(photo()), "age": 34}])
    assert "Key: age" in answer["error"]
    assert "write_a_number_as_34.0_not_34" in answer["error"]
    example = {"image": b64(photo()), "age": 34.0, "kind0": "value 7"}
    (ranked,) = rest(server, "classify", api="classify", examples=[example])["results"]
    expected, _ = grpc(server, "serving_default", image=[photo()], age=[34.0], kind0=["value 7"])
    assert [[tag.encode() for tag, _ in ranked]] == expected


def test_clients_tell_facts_and_are_told_of_them(client, server):
    """The REST client learns which inputs the model has once it is refused."""
    for users in ([ANN, User()], [ANN]):
        (first, *_) = client.predict([photo()], users)
        told = {name: [value] for name, value in ANN.facts.items() if value is not None}
        hashtags, scores = grpc(server, "serving_default", image=[photo()], **told)
        assert [hashtag.hashtag.encode() for hashtag in first.hashtags] == hashtags[0]
        np.testing.assert_allclose([h.score for h in first.hashtags], scores[0], rtol=1e-6)
    assert client.user_embedding([ANN]).shape == (1, 24)
    facts = {fact.name: fact for fact in client.facts()}
    assert facts.keys() == {fact.name for fact in FACTS.facts}
    silent = {name for name, fact in facts.items() if not fact.tells}
    assert silent == {"gender", "latitude", "longitude", "kind3", "number4"}
    assert facts["kind7"] == ServedFact("kind7", True, True, FACTS.categories["kind7"])
    assert facts["country"].values == ("US", "GB")
    assert facts["number2"] == ServedFact("number2", False)


def test_a_fact_that_the_model_does_not_have(server):
    with (
        HashtagClient(server.endpoint, "tags") as client,
        pytest.raises(RequestError, match="invalid name: planet"),
    ):
        client.predict([photo()], [User(more={"planet": "Mars"})])


@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_the_client_command_names_what_is_told_in_vain(server, tmp_path, api):
    address = {"grpc": server.endpoint, "rest": f"http://{server.rest_endpoint}"}[api]
    (tmp_path / "photo.png").write_bytes(photo())
    facts = ["kind0=value 7", "number2=24.5", "planet=Mars", "kind5=b, c", "age=34"]
    flags = [f"--fact={fact}" for fact in facts] + ["--gender=female", "--country=GB", "--json"]
    argv = [sys.executable, "-m", "serving.client", f"--server={address}", "--model_name=tags"]
    done = subprocess.run(
        [*argv, str(tmp_path / "photo.png"), *flags], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines() == [
        "told in vain: the posts that the model learned from do not differ in gender",
        "told in vain: the model has no fact 'planet'",
        "told in vain: kind5 b, c is none of the 50 values that the model tells apart",
    ]
    answer = json.loads(done.stdout)
    assert answer["user"]["number2"] == 24.5
    assert (answer["user"]["kind0"], answer["user"]["gender"]) == ("value 7", "female")
    told = {"age": [34.0], "country": ["GB"], "kind0": ["value 7"], "number2": [24.5]}
    hashtags, _ = grpc(server, "serving_default", image=[photo()], **told)
    assert [tag["hashtag"].encode() for tag in answer["hashtags"]] == hashtags[0]


@pytest.mark.parametrize("signature", ["serving_default", "photo", "text_facts", "descriptor_only"])
@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_load(server, api, signature):
    from serving.load_test.__main__ import Config, measure

    address = {"grpc": server.endpoint, "rest": f"http://{server.rest_endpoint}"}[api]
    flags = {"server": address, "model_name": "tags", "signature": signature}
    report, _ = measure(Config(**flags, requests=40, batch=2))
    assert (report["succeeded"], report["failures"]) == (40, {})


def test_the_signatures_say_what_may_be_left_out(exported, server):
    about = summarize(exported.folder / "tags" / "1")
    lines = "\n".join(describe(about))
    for words in ("age         float [None], by default [NaN]", 'string [None], by default [""]'):
        assert words in lines
    defaults = {one.name: one.default for one in about.signatures["text_facts"].inputs}
    assert defaults.pop("image") == ""
    assert set(defaults.values()) == {'[""]'}
    ready = summarize(exported.folder / "ready" / "1")
    assert ready.signatures.keys().isdisjoint({"photo", "text_facts"})
    url = f"http://{server.rest_endpoint}/v1/models/tags/metadata"
    signatures = urllib3.request("GET", url).json()["metadata"]["signature_def"]["signature_def"]
    assert signatures["serving_default"]["defaults"]["age"]["float_val"] == ["NaN"]
