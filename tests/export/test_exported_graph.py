"""Requests to an exported graph in the session that a server holds: good, bad and many at once."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny_cnn import save_cnn

from serving.server.errors import ServingError
from serving.server.inference.servable import Servable
from tagkeras.data.facts import to_columns
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.export.hashtag_ranker import HashtagRanker
from tagkeras.export.requests import GraphBatching
from tagkeras.images.cnn.descriptor_model import DescriptorModel, save_descriptor_model
from tagkeras.images.cnn.load import load_cnn
from tagkeras.layers import MultiplicativeEmbedding
from tagkeras.models import HashtagModel
from tagkeras.retrieval import ExactTopK

N, Y, K, MAX_BATCH = 6, 50, 4, 8
COUNTRIES = ["US", "GB"]
TAGS = tuple(f"tag{tag}" for tag in range(Y))


@pytest.fixture(scope="module")
def descriptor_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cnn")
    save_cnn(folder / "cnn.keras")
    save_descriptor_model(load_cnn(str(folder / "cnn.keras")), folder / "model")
    return DescriptorModel.load(folder / "model")


@pytest.fixture(scope="module")
def model():
    model = HashtagModel(MultiplicativeEmbedding(8, rank=8, seed=0, initial_stddev=0.5), Y, seed=1)
    model.build({"descriptor": (None, N), "user_descriptor": (None, 5 + len(COUNTRIES))})
    return model


def save(folder, model, descriptor_model, batching):
    manifest = Manifest(
        descriptor_size=N,
        descriptor_dtype="float32",
        num_tags=Y,
        splits={},
        user_descriptor={"countries": COUNTRIES, "location_decimals": 1, "size": 7},
    )
    path = folder / "vocabulary.tsv"
    Vocabulary(TAGS, np.ones(Y, np.int64)).save(path)
    ranker = HashtagRanker(
        model.embedding,
        ExactTopK(model.tag_table, K),
        manifest,
        str(path),
        descriptor_model,
        batching=batching,
    )
    tf.saved_model.save(ranker.resources(), str(folder / "1"), signatures=ranker.signatures())
    return Servable("tags", 1, str(folder / "1"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory, model, descriptor_model):
    servable = save(tmp_path_factory.mktemp("alone"), model, descriptor_model, None)
    yield servable
    servable.close()


@pytest.fixture(scope="module")
def batched(tmp_path_factory, model, descriptor_model):
    batching = GraphBatching(max_batch_size=MAX_BATCH, timeout_micros=2000, num_threads=2)
    servable = save(tmp_path_factory.mktemp("batched"), model, descriptor_model, batching)
    yield servable
    servable.close()


@pytest.fixture(params=["alone", "batched"])
def servable(request):
    return request.getfixturevalue(request.param)


def ask(servable, signature="serving_default", timeout=60.0, **inputs):
    about = servable.signatures[signature]
    feeds = {about.inputs[name].name: np.asarray(value) for name, value in inputs.items()}
    hashtags, scores = servable.run(
        feeds, [about.outputs[name].name for name in ("hashtags", "scores")], timeout
    )
    return hashtags.tolist(), scores


def users(rows, **facts):
    return to_columns([UNKNOWN_USER] * rows) | facts


def photo(seed, file_format="JPEG"):
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).save(stream, file_format)
    return stream.getvalue()


def strings(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def descriptors(rows, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, N)).astype(np.float32)


@pytest.mark.parametrize("rows", [0, 1, 3, MAX_BATCH, 5 * MAX_BATCH + 3])
def test_batching_changes_no_answer(alone, batched, rows):
    inputs = {"descriptor": descriptors(rows), **users(rows)}
    expected, scores = ask(alone, "descriptor", **inputs)
    hashtags, batched_scores = ask(batched, "descriptor", **inputs)
    assert hashtags == expected
    assert batched_scores.shape == (rows, K)
    np.testing.assert_allclose(batched_scores, scores, atol=1e-6)


def test_images_are_ranked_as_their_descriptors(servable, descriptor_model):
    images = [photo(seed, name) for seed, name in enumerate(["JPEG", "PNG", "GIF", "BMP", "WEBP"])]
    user = users(5, country=strings("US", "GB", "", "FR", "US"))
    hashtags, scores = ask(servable, image=strings(*images), **user)
    described = descriptor_model(tf.constant(images)).numpy()
    expected, expected_scores = ask(servable, "descriptor", descriptor=described, **user)
    assert hashtags == expected
    np.testing.assert_allclose(scores, expected_scores, atol=1e-5)
    assert len({tuple(row) for row in hashtags}) > 1


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("serving_default", {"image": strings(photo(0), b"hello")}, "image 1: not a JPEG, PNG"),
        ("serving_default", {"image": strings(photo(0)[:200], photo(0))}, "JPEG"),
        (
            "serving_default",
            {"image": strings(photo(0))},
            "rows; image, age.* have.*1 2 2 2 2 2",
        ),
        ("descriptor", {"descriptor": np.zeros((2, N + 1), np.float32)}, r"\[2,7\] is not"),
    ],
)
def test_a_bad_request_fails_alone_and_says_why(servable, signature, inputs, message):
    """Beside good ones that are in the same batches."""
    good, rounds = descriptors(1), 40
    expected = ask(servable, "descriptor", descriptor=good, **users(1))[0]
    start = threading.Barrier(4)

    def ask_well():
        start.wait()
        return [ask(servable, "descriptor", descriptor=good, **users(1))[0] for _ in range(rounds)]

    def ask_badly():
        start.wait()
        for _ in range(rounds // 4):
            with pytest.raises(ServingError, match=message) as caught:
                ask(servable, signature, **inputs, **users(2))
            assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(ask_well) for _ in range(3)]
        pool.submit(ask_badly).result()
    assert all(answer.result() == [expected] * rounds for answer in answers)


def test_each_concurrent_request_gets_its_own_answer(alone, batched):
    inputs = [
        {"descriptor": descriptors(1 + seed % 3, seed), **users(1 + seed % 3)}
        for seed in range(200)
    ]
    with ThreadPoolExecutor(32) as pool:
        answers = pool.map(lambda one: ask(batched, "descriptor", **one)[0], inputs)
        for one, answer in zip(inputs, answers, strict=True):
            assert answer == ask(alone, "descriptor", **one)[0]


def test_classify_decodes_and_batches_too(alone, batched):
    example = tf.train.Example()
    example.features.feature["image"].bytes_list.value.append(photo(3))
    example.features.feature["country"].bytes_list.value.append(b"GB")
    expected, _ = ask(alone, image=strings(photo(3)), **users(1, country=strings("GB")))
    for servable in (alone, batched):
        about = servable.signatures["classify"]
        feeds = {about.inputs["inputs"].name: strings(example.SerializeToString())}
        (classes,) = servable.run(feeds, [about.outputs["classes"].name])
        assert classes.tolist() == expected
