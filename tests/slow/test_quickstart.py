"""`make quickstart` whole, and what its models reach on users that they never saw."""

import itertools
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from serving import HashtagClient, User
from serving.server.runner import ServerProcess
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

CHECKOUT = Path(__file__).parents[2]
NAMES = ("P@1", "R@10", "A@10")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quickstart")
    run_quickstart(folder)
    return folder


def run_quickstart(folder):
    command = [sys.executable, "examples/quickstart.py", str(folder)]
    done = subprocess.run(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def metrics(folder, model):
    return json.loads((folder / "eval" / model / "metrics.json").read_text())


def test_each_model_is_better_than_the_one_before(folder):
    rows = [metrics(folder, "bilinear")["frequency_baseline"]]
    rows += [metrics(folder, model) for model in ("bilinear", "user_biased", "multiplicative")]
    for worse, better in itertools.pairwise(rows):
        for name in NAMES:
            assert worse[name] < better[name]


def test_the_multiplicative_model_goes_three_quarters_of_the_way_to_the_oracle(folder):
    model = metrics(folder, "multiplicative")
    frequency, oracle = model["frequency_baseline"], model["oracle"]
    for name in ("R@10", "A@10"):
        way = (model[name] - frequency[name]) / (oracle[name] - frequency[name])
        assert way >= 0.75, (name, way)


def test_the_report_shows_the_three_models(folder):
    page = (folder / "report" / "report.html").read_text()
    for model in ("bilinear", "user_biased", "multiplicative"):
        assert f"{100 * metrics(folder, model)['R@10']:.1f}" in page
    assert page.count("<img") >= 8  # sample photos
    assert len(list((folder / "report" / "figures").glob("*.svg"))) >= 10


def test_the_served_model_answers_as_evaluate_did(folder):
    dataset = folder / "dataset"
    batch = next(iter(data_input.read_split(dataset, Manifest.load(dataset), "test", 100)))
    predictions = pq.read_table(folder / "eval" / "multiplicative" / "predictions.parquet")
    expected = predictions.slice(0, 100).to_pylist()
    users = list(users_of(batch))
    posts = [json.loads(line) for line in (folder / "world" / "posts.jsonl").open()]
    image_of = {post["post_id"]: folder / "world" / post["image"] for post in posts}
    images = [image_of[row["post_id"]] for row in expected]
    base = folder / "export" / "hashtags"
    with (
        ServerProcess(model_name="hashtags", model_base_path=base) as server,
        HashtagClient(server.endpoint, "hashtags") as client,
    ):
        by_descriptor = client.predict_descriptors(batch["descriptor"].numpy(), users)
        by_image = client.predict(images, users)
    for prediction, row in zip(by_descriptor, expected, strict=True):
        assert [h.hashtag for h in prediction.hashtags] == row["hashtags"]
        scores = [h.score for h in prediction.hashtags]
        np.testing.assert_allclose(scores, row["scores"], rtol=0, atol=1e-5)
    first = [prediction.hashtags[0].hashtag for prediction in by_image]
    assert sum(a == row["hashtags"][0] for a, row in zip(first, expected, strict=True)) >= 98


def users_of(batch):
    facts = (batch[name].numpy() for name in ("age", "gender", "country", "location"))
    for age, gender, country, place in zip(*facts, strict=True):
        numbers = [None if math.isnan(value) else float(value) for value in (age, *place)]
        yield User(
            age=numbers[0],
            gender=gender.decode() or None,
            country=country.decode() or None,
            latitude=numbers[1],
            longitude=numbers[2],
        )


def test_run_again_it_reuses_what_is_there(folder):
    before = (folder / "cnn.keras").stat().st_mtime_ns
    output = run_quickstart(folder)
    assert output.count("(there already)") == 7
    assert (folder / "cnn.keras").stat().st_mtime_ns == before
