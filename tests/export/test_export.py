"""The export against the model that was trained, in process and over gRPC."""

import contextlib
import dataclasses
import io
import json
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from tiny_dataset import write_dataset
from training_runs import make_config, parse_flags

from serving import HashtagClient, User
from serving.inspect.saved_model_summary import summarize
from serving.server.flags import ManagerOptions
from serving.server.model_server import ModelServer
from serving.server.models import model_config
from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.data.facts import to_columns
from tagkeras.data.manifest import Manifest
from tagkeras.evaluate import evaluate
from tagkeras.export import export, warmup
from tagkeras.export.hashtag_ranker import HashtagRanker
from tagkeras.train import train
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir

N, POSTS = 12, 60


def run_export(**options):
    return export.export(parse_flags(export.Config, **options))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    dataset = write_dataset(folder / "dataset", posts=600, test=POSTS)
    manifest = Manifest.load(dataset)
    # As is true of its posts: they differ in their countries alone.
    varies = [name.startswith("country") for name in manifest.facts.feature_names]
    user_descriptor = {**manifest.user_descriptor, "varies": varies}
    dataclasses.replace(manifest, user_descriptor=user_descriptor).save(dataset)
    train.train(make_config(dataset, folder / "run"))
    return folder


@pytest.fixture(scope="module")
def exported(folder):
    said, options = io.StringIO(), {**paths(folder), "output": folder / "models" / "tags"}
    with contextlib.redirect_stdout(said):
        export.main(parse_flags(export.Config, **options))
    masked, wrote, *_ = said.getvalue().splitlines()
    assert masked == (
        "training posts do not differ in age, gender, latitude, longitude: telling it changes no"
        " answer"
    )
    assert wrote.startswith("wrote ")
    return folder / "models" / "tags" / "1"


def paths(folder):
    return {"workdir": folder / "run", "data": folder / "dataset"}


@pytest.fixture(scope="module")
def client(exported):
    server_config = model_config.single_model("tags", str(exported.parent))
    options = ManagerOptions(max_num_load_retries=0)
    with (
        ModelServer(server_config, options=options) as server,
        HashtagClient(server.endpoint, "tags") as client,
    ):
        yield client


def read_test_posts(folder):
    dataset = folder / "dataset"
    (batch,) = data_input.read_split(dataset, Manifest.load(dataset), "test", POSTS)
    return batch


def users_of(batch):
    return [User(country=country.decode()) for country in batch["country"].numpy()]


def test_answers_over_grpc_are_those_of_evaluate(folder, client):
    evaluate.evaluate(parse_flags(evaluate.Config, **paths(folder), output=folder / "eval"))
    expected = pq.read_table(folder / "eval" / "predictions.parquet").to_pylist()
    batch = read_test_posts(folder)
    # The posts' user descriptors are those of their countries, ages unknown and places unknown.
    predictions = client.predict_descriptors(batch["descriptor"].numpy(), users_of(batch))
    for prediction, row in zip(predictions, expected, strict=True):
        assert [hashtag.hashtag for hashtag in prediction.hashtags] == row["hashtags"]
        scores = [hashtag.score for hashtag in prediction.hashtags]
        np.testing.assert_allclose(scores, row["scores"], rtol=0, atol=1e-5)
        assert len(scores) == 10


def test_embeddings(folder, client):
    batch, model = read_test_posts(folder), restore_model(Workdir(folder / "run"))
    phi = client.image_embedding(batch["descriptor"].numpy(), users_of(batch))
    np.testing.assert_allclose(phi, model(batch), rtol=1e-4, atol=1e-6)
    h = client.user_embedding(users_of(batch))
    expected = model.embedding.embed_user(batch["user_descriptor"])
    np.testing.assert_allclose(h, expected, rtol=1e-4, atol=1e-6)
    tags = Workdir(folder / "run").vocabulary().tags
    answer = client.hashtag_embedding([tags[3], f" #{tags[7].upper()}", "nosuchtag", ""])
    table = model.tag_table.numpy()
    np.testing.assert_array_equal(answer.known, [True, True, False, False])
    np.testing.assert_allclose(answer.embedding[:2], table[[3, 7]], rtol=1e-6)
    np.testing.assert_array_equal(answer.embedding[2:], 0)


def test_signatures_warm_up_and_provenance(exported):
    signatures = tf.saved_model.load(str(exported)).signatures
    user = {"age", "gender", "country", "latitude", "longitude"}
    expected = {
        "descriptor_only": {"descriptor"},
        "descriptor_text_facts": {"descriptor", *user},
        "facts": {"fact"},
        "serving_default": {"descriptor", *user},
        "descriptor": {"descriptor", *user},
        "classify": {"inputs"},
        "user_embedding": user,
        "image_embedding": {"descriptor", *user},
        "hashtag_embedding": {"hashtag"},
    }
    assert {
        name: set(s.structured_input_signature[1]) for name, s in signatures.items()
    } == expected
    for signature in signatures.values():
        for spec in signature.structured_input_signature[1].values():
            assert spec.shape[0] is None
    outputs = signatures["serving_default"].structured_outputs
    assert set(outputs) == {"hashtags", "scores"}
    warmed = [request.model_spec.signature_name for request in warmup.read(exported)]
    assert warmed == [
        *["serving_default"] * 4,
        "descriptor",
        "descriptor_only",
        "descriptor_text_facts",
        "image_embedding",
        "user_embedding",
        "classify",
    ]
    provenance = json.loads((exported / "assets.extra" / "tagkeras.json").read_text())
    assert provenance["workdir"]["rank"] == 8
    assert provenance["dataset"]["num_tags"] == 20
    assert provenance["facts"] == {
        "age": "number, masked",
        "gender": "text, masked",
        "country": "5 values",
        "latitude": "number, masked",
        "longitude": "number, masked",
    }


def test_needs_nothing_but_tensorflow(exported):
    program = (
        "import sys, tensorflow as tf;"
        "m = tf.saved_model.load(sys.argv[1]);"
        "t = tf.constant;"
        f"a = m.signatures['serving_default'](descriptor=tf.ones([2, {N}]), age=t([34., 5.]),"
        " gender=t(['male', '']), country=t(['GB', '']), latitude=t([51.5, 0.]),"
        " longitude=t([-0.1, 0.]));"
        "print(a['hashtags'].shape, a['scores'].shape)"
    )
    argv = [sys.executable, "-I", "-c", program, str(exported)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(2, 10) (2, 10)"


def test_versions_go_up_and_are_never_overwritten(folder):
    base = folder / "versions"
    options = {**paths(folder), "output": base, "top_k": 3}
    assert run_export(**options).name == "1"
    assert run_export(**options, version=7).name == "7"
    assert run_export(**options).name == "8"
    with pytest.raises(UserError, match="7 exists: a version is never overwritten"):
        run_export(**options, version=7)
    assert sorted(path.name for path in base.iterdir()) == ["1", "7", "8"]


def test_warm_up_posts(folder, tmp_path):
    posts = tmp_path / "posts.jsonl"
    post = {"post_id": "a", "descriptor": [1.0] * N, "age": 30, "gender": None}
    posts.write_text(json.dumps(post) + "\n")
    options = {**paths(folder), "output": tmp_path / "base", "warmup_posts": posts}
    request, *others = warmup.read(run_export(**options))
    assert "serving_default" not in {other.model_spec.signature_name for other in others}
    facts = {name: tf.make_ndarray(request.inputs[name]) for name in ("age", "gender", "latitude")}
    assert (facts["age"], facts["gender"], np.isnan(facts["latitude"])) == (30, b"", True)
    posts.write_text(json.dumps({**post, "descriptor": [1.0] * (N + 1)}) + "\n")
    with pytest.raises(UserError, match=r"posts.jsonl: 1 of 1 posts .*line 1: descriptor_length"):
        run_export(**options)
    lines = (json.dumps({**post, "post_id": str(number)}) + "\n" for number in range(1001))
    posts.write_text("".join(lines))
    with pytest.raises(UserError, match="posts.jsonl: 1001 posts; a server takes 1000 at most"):
        run_export(**options)
    assert not (tmp_path / "base" / "2").exists()


def test_blocked_hashtags_are_neither_answered_nor_known(folder, tmp_path):
    tags = Workdir(folder / "run").vocabulary().tags
    block_list = tmp_path / "blocked.txt"
    block_list.write_text(f" #{tags[0].upper()}\n\n{tags[5]}\nnosuchtag\n")
    options = {**paths(folder), "output": tmp_path / "base", "block_list": block_list}
    target = run_export(**options, top_k=18)
    signatures = tf.saved_model.load(str(target)).signatures
    batch = read_test_posts(folder)
    user = {name: tf.constant(values) for name, values in to_columns(users_of(batch)).items()}
    answer = signatures["descriptor"](descriptor=batch["descriptor"], **user)
    model = restore_model(Workdir(folder / "run"))
    # All 18 that are left, in the order of the trained model's scores.
    scores = model.scores(model(batch)).numpy()
    scores[:, [0, 5]] = -np.inf
    expected = [[tags[tag_id].encode() for tag_id in row] for row in np.argsort(-scores)[:, :18]]
    assert answer["hashtags"].numpy().tolist() == expected
    known = signatures["hashtag_embedding"](hashtag=tf.constant([tags[0], tags[5], tags[6]]))
    np.testing.assert_array_equal(known["known"], [False, False, True])
    np.testing.assert_allclose(known["embedding"][2], model.tag_table.numpy()[6])
    assert tags[0] not in (target / "assets" / "vocabulary.tsv").read_text().split()
    with pytest.raises(UserError, match="--top_k=19: the vocabulary has 20 tags, 18 of them not"):
        run_export(**options, top_k=19)
    block_list.write_text("\n".join(tags))
    with pytest.raises(UserError, match=r"blocked.txt: no hashtag of the vocabulary is left"):
        run_export(**options)
    assert [path.name for path in (tmp_path / "base").iterdir()] == ["1"]


def test_an_export_with_wrong_answers_is_not_published(folder, tmp_path, monkeypatch):
    right = HashtagRanker._rank_descriptors

    def wrong(self, descriptor, *user):
        hashtags, scores = right(self, descriptor, *user)
        return hashtags[:, ::-1], scores

    monkeypatch.setattr(HashtagRanker, "_rank_descriptors", wrong)
    with pytest.raises(RuntimeError, match="warm-up request 1 is not answered as"):
        run_export(**paths(folder), output=tmp_path / "base")
    assert list((tmp_path / "base").iterdir()) == []


def test_batching_in_the_graph(folder, tmp_path):
    flags = {"max_batch_size": 5, "batch_timeout_micros": 100, "num_batch_threads": 1}
    options = {**paths(folder), "output": tmp_path / "base"}
    target = run_export(**options, **flags)
    (batching,) = summarize(target).graph_batching
    assert batching == flags
    assert summarize(target).provenance["export"]["max_batch_size"] == 5
    with pytest.raises(UserError, match="--num_batch_threads=1: give --max_batch_size, too"):
        run_export(**options, num_batch_threads=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block_list": "nowhere.txt"}, "--block_list=nowhere.txt: No such file"),
        ({"top_k": 21}, "--top_k=21: the vocabulary has 20 tags"),
        ({"warmup_posts": "nowhere.jsonl"}, "nowhere.jsonl: no such file"),
    ],
)
def test_bad_flags(folder, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        run_export(**paths(folder), output=tmp_path / "base", **options)
    assert not (tmp_path / "base").exists()
