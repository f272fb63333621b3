"""From drawn photos to hashtags over gRPC: every stage's real code, on a very small world."""

import math
import random

import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny_cnn import save_cnn

from beam.preprocess.config import Config as PreprocessConfig
from beam.preprocess.preprocess import preprocess
from beam.running.runner import parse_options
from serving import HashtagClient, User
from serving.server.flags import ManagerOptions
from serving.server.model_server import ModelServer
from serving.server.models import model_config
from tagkeras.cli import commandline
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.evaluate import evaluate
from tagkeras.export import export
from tagkeras.synthetic import __main__ as synthetic
from tagkeras.train import train

pytestmark = pytest.mark.slow

POSTS = 700


def config(config_class, **options):
    return commandline.parse(config_class, [f"--{k}={v}" for k, v in options.items()])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("end_to_end")
    world, dataset = folder / "world", folder / "dataset"
    synthetic.main(config(synthetic.Config, output=world, posts=POSTS, seed=5, workers=1))
    broken = world / "images" / "0000" / "post-0000003.jpg"
    broken.write_bytes(broken.read_bytes()[:100])
    cnn = folder / "cnn.keras"
    save_cnn(cnn, size=(32, 32), descriptor_size=24)
    flags = {"input": world / "posts.jsonl", "output": dataset, "cnn": cnn}
    flags |= {"test_fraction": 0.25, "validation_fraction": 0.1}
    preprocess(config(PreprocessConfig, **flags), parse_options([]))
    paths = {"workdir": folder / "run", "data": dataset}
    train.train(config(train.Config, **paths, epochs=4, batch_size=64, embedding_dim=16, rank=16))
    oracle = {"oracle": world / "oracle.parquet", "output": folder / "eval"}
    evaluate.evaluate(config(evaluate.Config, **paths, **oracle))
    export.export(config(export.Config, **paths, output=folder / "models"))
    return folder


@pytest.fixture(scope="module")
def batch(folder):
    dataset = folder / "dataset"
    return next(iter(data_input.read_split(dataset, Manifest.load(dataset), "test", 100)))


@pytest.fixture(scope="module")
def client(folder):
    options = ManagerOptions(max_num_load_retries=0)
    server_config = model_config.single_model("hashtags", str(folder / "models"))
    with (
        ModelServer(server_config, options=options) as server,
        HashtagClient(server.endpoint, "hashtags") as client,
    ):
        yield client


def users_of(batch):
    def known(number):
        return None if math.isnan(number) else float(number)

    facts = (batch[name].numpy() for name in ("age", "gender", "country", "location"))
    return [
        User(
            age=known(age),
            gender=gender.decode() or None,
            country=country.decode() or None,
            latitude=known(place[0]),
            longitude=known(place[1]),
        )
        for age, gender, country, place in zip(*facts, strict=True)
    ]


def expected_of(folder):
    return pq.read_table(folder / "eval" / "predictions.parquet").to_pylist()[:100]


def test_stored_descriptors_get_the_top_ten_of_evaluate(folder, batch, client):
    predictions = client.predict_descriptors(batch["descriptor"].numpy(), users_of(batch))
    assert len(predictions) == 100
    for prediction, row in zip(predictions, expected_of(folder), strict=True):
        scores = [hashtag.score for hashtag in prediction.hashtags]
        np.testing.assert_allclose(scores, row["scores"], rtol=0, atol=1e-5)
        assert [hashtag.hashtag for hashtag in prediction.hashtags] == row["hashtags"]


def test_image_files_get_the_same_first_hashtag(folder, batch, client):
    images = [
        folder / "world" / "images" / "0000" / f"{post_id.decode()}.jpg"
        for post_id in batch["post_id"].numpy()
    ]
    predictions = client.predict(images, users_of(batch))
    first = [prediction.hashtags[0].hashtag for prediction in predictions]
    same = sum(
        hashtag == row["hashtags"][0]
        for hashtag, row in zip(first, expected_of(folder), strict=True)
    )
    assert same >= 98  # descriptors are stored as float16


def test_the_corrupt_image_is_rejected_and_named(folder):
    manifest = Manifest.load(folder / "dataset")
    assert sum(manifest.counts["rejected"].values()) == 1
    (line,) = [
        line
        for path in (folder / "dataset" / "rejected").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert "post-0000003" in line
    written = sum(split["posts"] for split in manifest.splits.values())
    dropped = sum(manifest.counts["dropped"].values())
    assert written + 1 + dropped == manifest.counts["posts_read"] == POSTS


def test_another_user_another_list(folder, client):
    image = random.Random(0).choice(sorted((folder / "world" / "images" / "0000").iterdir())[10:])
    users = [User(age=16, gender="female", country="GB"), User(age=70, gender="male", country="NZ")]
    one, other = client.predict([image], users)
    assert [h.score for h in one.hashtags] != [h.score for h in other.hashtags]
