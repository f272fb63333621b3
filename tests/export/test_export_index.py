"""Exports with an approximate index, against the exact ones of the same run."""

import numpy as np
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
from tagkeras.data.user import UNKNOWN_USER
from tagkeras.export import export
from tagkeras.export.index import make_ivf_index
from tagkeras.export.validation import TrainedModel, validate
from tagkeras.layers import UserDescriptor
from tagkeras.retrieval import Cells, ExactTopK, IVFTopK, Queries, find_cells
from tagkeras.train import train
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir

TAGS, K = 300, 5


def run_export(**options):
    return export.export(parse_flags(export.Config, **options))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    dataset = write_dataset(folder / "dataset", posts=600, num_tags=TAGS, validation=80, test=60)
    train.train(make_config(dataset, folder / "run", epochs=2, optimizer="adagrad"))
    return folder


def export_run(folder, output, **options):
    paths = {"workdir": folder / "run", "data": folder / "dataset"}
    return run_export(**paths, output=folder / output, top_k=K, **options)


@pytest.fixture(scope="module")
def exact(folder):
    return export_run(folder, "exact")


@pytest.fixture(scope="module")
def ivf(folder):
    return export_run(folder, "ivf", index="ivf", recall_target=0.9, index_cells=25)


def ask(saved_model, descriptors):
    """Sets of hashtags, and the scores by hashtag, for users who say nothing."""
    signature = tf.saved_model.load(str(saved_model)).signatures["descriptor"]
    inputs = {"descriptor": descriptors, **to_columns([UNKNOWN_USER] * len(descriptors))}
    answer = signature(**{name: tf.constant(values) for name, values in inputs.items()})
    rows = zip(answer["hashtags"].numpy(), answer["scores"].numpy(), strict=True)
    return [dict(zip(tags, scores, strict=True)) for tags, scores in rows]


def read_split(folder, split):
    dataset = folder / "dataset"
    batches = data_input.read_split(dataset, Manifest.load(dataset), split, 100)
    return np.concatenate([batch["descriptor"].numpy() for batch in batches])


def test_recall_is_about_the_target_and_scores_are_exact(folder, exact, ivf):
    facts = summarize(ivf).provenance["index"]
    assert facts["name"] == "ivf"
    assert facts["recall_target"] == 0.9
    assert facts["validation_posts"] == 80
    assert facts["lower"] >= 0.9
    assert 1 <= facts["probes"] < facts["cells"] <= 25
    assert 0 < facts["scored"] < 1
    descriptors = read_split(folder, "test")
    expected, answers = ask(exact, descriptors), ask(ivf, descriptors)
    recalls = []
    for best, found in zip(expected, answers, strict=True):
        assert len(found) == K
        assert list(found.values()) == sorted(found.values(), reverse=True)
        for tag in best.keys() & found.keys():
            assert found[tag] == pytest.approx(best[tag], abs=1e-5)
        recalls.append(len(best.keys() & found.keys()) / K)
    assert np.mean(recalls) >= 0.85


@pytest.mark.slow
def test_served_in_batches_without_blocked_hashtags(folder, tmp_path):
    blocked = [f"tag{tag}" for tag in range(0, TAGS, 2)]
    (tmp_path / "block.txt").write_text("\n".join(blocked))
    options = {"index": "ivf", "recall_target": 0.9, "block_list": tmp_path / "block.txt"}
    alone = export_run(folder, "alone", **options)
    path = export_run(folder, "batched", **options, max_batch_size=8)
    facts = summarize(path).provenance["index"]
    assert facts["probes"] < facts["cells"]
    options = ManagerOptions(max_num_load_retries=0)
    server_config = model_config.single_model("tags", str(path.parent))
    descriptors = read_split(folder, "test")
    with (
        ModelServer(server_config, options=options) as server,
        HashtagClient(server.endpoint, "tags") as client,
    ):
        # More rows than a batch has, and no rows at all.
        predictions = client.predict_descriptors(descriptors, [User()])
    for prediction, expected in zip(predictions, ask(alone, descriptors), strict=True):
        found = {hashtag.hashtag.encode(): hashtag.score for hashtag in prediction.hashtags}
        assert not {tag.decode() for tag in found} & set(blocked)
        assert found == pytest.approx(expected, abs=1e-5)


def test_an_export_with_other_answers_than_its_index_is_refused(folder, ivf):
    dataset = folder / "dataset"
    manifest, workdir = Manifest.load(dataset), Workdir(folder / "run")
    model = restore_model(workdir)
    trained = TrainedModel(model, None, UserDescriptor(manifest.facts), range(TAGS))
    rows = model.tag_table.numpy()
    cells = find_cells(rows, 25, Queries(rows[:50], 0.0))
    upside_down = Cells(-cells.centroids, cells.cell_of_row)
    index = IVFTopK(model.tag_table, upside_down, probes=5, k=K)
    tags = workdir.vocabulary().tags
    exact = ExactTopK(model.tag_table, k=K)
    for names, other in ((tags, index), (tags, exact)):
        with pytest.raises(RuntimeError, match="warm-up request . is not answered as"):
            validate(ivf, names, trained, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recall_target": 0.9}, "--recall_target=0.9: give --index=ivf, too"),
        ({"index": "ivf", "index_cells": 301}, "--index_cells=301: there are 300 hashtags"),
        ({"index": "ivf", "recall_target": 1}, "--recall_target=1: only --index=exact"),
        (
            {"index": "ivf", "index_posts": 51},
            "0.99: to show it takes 52 posts at least, .* on 51; give --index_posts=52 or more, or",
        ),
        (
            {"index": "ivf", "recall_target": 0.8, "index_cells": 1},
            "0.8: all 1 cells would have to be searched, .*; give that, a lower target, or more",
        ),
    ],
)
def test_bad_flags_leave_nothing(folder, options, message):
    with pytest.raises(UserError, match=message):
        export_run(folder, "bad", **options)
    assert not (folder / "bad").exists()


def test_rows_that_are_not_finite_are_refused(folder):
    model, dataset = restore_model(Workdir(folder / "run")), folder / "dataset"
    rows = model.tag_table.numpy()
    rows[7, 3] = np.inf
    model.tag_table.value.assign(rows)
    with pytest.raises(UserError, match="the model's hashtag table has values that are not finite"):
        make_ivf_index(model, range(TAGS), K, dataset, Manifest.load(dataset))


def test_without_validation_posts(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", posts=50, validation=0)
    train.train(make_config(dataset, tmp_path / "run", epochs=1))
    with pytest.raises(UserError, match="the validation split has no posts .*--index=ivf"):
        run_export(data=dataset, workdir=tmp_path / "run", output=tmp_path / "out", index="ivf")
