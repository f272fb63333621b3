"""What a run says while it runs: lines, and logs for TensorBoard."""

import csv
import re

import numpy as np
import pytest
import tensorflow as tf
from training_runs import STEPS, make_config

from tagkeras.train import callbacks, tensorboard, train
from tagkeras.train.model import restore_model


@pytest.fixture(scope="module")
def watched(dataset, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "LINE_INTERVAL", 0)
        patch.setattr(tensorboard, "INTERVAL", 5)
        patch.setattr(tensorboard, "MAX_PROJECTED", 12)
        config = make_config(
            dataset, tmp_path_factory.mktemp("watched") / "run", tensorboard=True, epochs=2
        )
        return train.train(config)


@pytest.fixture(scope="module")
def points(watched):
    """Tag to a list of (step, value)."""
    points = {}
    for path in watched.tensorboard.glob("events.*"):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name in ("scalars", "")
                number = tf.make_ndarray(value.tensor).item()
                points.setdefault(value.tag, []).append((event.step, number))
    return points


def test_points_of_epochs_are_those_of_the_history(watched, points):
    with watched.history.open() as lines:
        rows = list(csv.DictReader(lines))
    for name in rows[0].keys() - {"epoch"}:
        steps, values = zip(*points[f"epochs/{name}"], strict=True)
        assert steps == (1, 2)
        np.testing.assert_allclose(values, [float(row[name]) for row in rows], rtol=1e-5)
    assert {"epochs/val_P@1", "epochs/val_R@10", "epochs/val_A@10"} <= points.keys()


def test_points_within_epochs_are_means_of_the_steps_between(points):
    for name in ("loss", "violator_share", "mean_draws"):
        assert [step for step, _ in points[f"steps/{name}"]] == [5, 10, 15, 20]
    loss = dict(points["steps/loss"])
    assert loss[5] != loss[10]
    assert min(loss.values()) < points["epochs/loss"][0][1] < max(loss.values())


def test_norms(watched, points):
    model = restore_model(watched)
    epoch = watched.best_epoch()["epoch"]
    norms = np.linalg.norm(model.tag_table.numpy(), axis=1)
    expected = {"tag_table_row_mean": norms.mean(), "tag_table_row_max": norms.max()}
    expected |= {w.name: np.linalg.norm(w.numpy()) for w in model.embedding.weights}
    for name, value in expected.items():
        np.testing.assert_allclose(dict(points[f"norms/{name}"])[epoch], value, rtol=1e-5)


def test_projector(watched):
    folder = watched.tensorboard
    header, *lines = (folder / "metadata.tsv").read_text().splitlines()
    assert header == "hashtag\tposts"
    vocabulary = watched.vocabulary()
    assert [line.split("\t")[0] for line in lines] == list(vocabulary.tags[:12])
    rows = np.loadtxt(folder / "tag_table.tsv", delimiter="\t")
    assert rows.shape == (12, 8)
    config = (folder / "projector_config.pbtxt").read_text()
    for name in re.findall(r'_path: "(.*)"', config):
        assert (folder / name).exists()


def test_lines_within_an_epoch(dataset, tmp_path, monkeypatch, capsys):
    train.train(make_config(dataset, tmp_path / "short", epochs=1))
    assert "posts/s" not in capsys.readouterr().out
    monkeypatch.setattr(callbacks, "LINE_INTERVAL", 0)
    train.train(make_config(dataset, tmp_path / "run", epochs=1))
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if line.startswith("epoch 1: step ")]
    pattern = r"epoch 1: step \d+ of 12, loss \d\.\d{4}, [\d,]+ posts/s, \d+:\d\d:\d\d left"
    assert len(lines) == STEPS - 1
    assert all(re.fullmatch(pattern, line) for line in lines)
    assert "Epoch 1/1" not in out  # Keras says it only of several
    assert "12/12" in out
