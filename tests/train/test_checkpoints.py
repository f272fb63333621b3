"""Checkpoints that are damaged, cannot be written, or must not be."""

import dataclasses
import json
import os
import random
import resource
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from training_runs import assert_same_run, checkpoint_names, make_config, read_variables

from tagkeras.cli.errors import UserError
from tagkeras.train import tables, train
from tagkeras.train.checkpoints import CheckpointFolder, RunState
from tagkeras.train.model import restore_model
from tagkeras.train.train import Run
from tagkeras.train.workdir import Workdir


@pytest.fixture
def copied(trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "run")
    return Workdir(tmp_path / "run")


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)


def test_best_holds_weights_alone(trained):
    best, last = trained.best / "model", trained.checkpoints / "step-36" / "variables"
    names = {name.split("/.")[0] for name in read_variables(best)}
    weights = ("W", "b", "alpha", "beta", "gamma", "S", "c")
    assert names == {"tag_table", *(f"embedding/{w}" for w in weights)}
    assert len(read_variables(last)) > 2 * len(names)


def test_resumes_from_an_earlier_readable_checkpoint(trained, dataset, copied, capsys):
    truncate(copied.checkpoints / "step-36" / "variables.index")
    flip_byte(copied.checkpoints / "step-24" / "variables.data-00000-of-00001")
    assert_same_run(trained, train.train(make_config(dataset, copied.path)))
    lines = capsys.readouterr().out.splitlines()
    for line, name in zip(lines, ("step-36", "step-24"), strict=False):
        assert line.startswith(f"{copied.checkpoints / name} cannot be read (")
        assert line.endswith("): using step-12")
    assert lines[2] == f"resuming {copied.path} after epoch 1"
    assert checkpoint_names(copied) == ["step-12", "step-24", "step-36"]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("variables.data-00000-of-00001", os.unlink),
        ("variables.index", os.unlink),
        ("state.json", truncate),
        ("state.json", os.unlink),
        ("state.json", lambda path: path.write_text("{}")),
    ],
)
def test_every_damage_is_noticed(dataset, copied, capsys, name, damage):
    damage(copied.checkpoints / "step-36" / name)
    assert Run(make_config(dataset, copied.path)).state.epoch == 2
    assert f"{copied.checkpoints / 'step-36'} cannot be read" in capsys.readouterr().out


def test_random_damage_is_noticed_or_harmless(tmp_path, capsys):
    variables = tf.train.Checkpoint(a=tf.Variable(tf.random.normal([50])), b=[tf.Variable(1.0)])
    folder = CheckpointFolder(tmp_path, variables)
    for step in (1, 2):
        folder.save(RunState(steps_per_epoch=9, step=step, global_step=step))
    rng = random.Random(0)
    for path in [path for path in (tmp_path / "step-2").iterdir() if path.name != "state.json"]:
        whole = path.read_bytes()
        for _ in range(100):
            content = bytearray(whole)
            content[rng.randrange(len(content))] ^= rng.randrange(1, 256)
            path.write_bytes(content[: rng.choice([len(content), rng.randrange(len(content))])])
            assert folder.restore().global_step in (1, 2)
            capsys.readouterr()
        path.write_bytes(whole)
    assert folder.restore().global_step == 2


def test_no_checkpoint_can_be_read(dataset, copied):
    for name in checkpoint_names(copied):
        truncate(copied.checkpoints / name / "variables.index")
    before = sorted((p, p.stat().st_mtime_ns) for p in copied.path.rglob("*"))
    message = "step-36 cannot be read .*, nor can any other checkpoint: restore a copy of"
    with pytest.raises(UserError, match=message):
        train.train(make_config(dataset, copied.path))
    assert sorted((p, p.stat().st_mtime_ns) for p in copied.path.rglob("*")) == before


def test_checkpoints_of_another_version(dataset, copied):
    shutil.rmtree(copied.checkpoints)
    copied.checkpoints.mkdir()
    (copied.checkpoints / "epoch-3.index").touch()
    with pytest.raises(UserError, match="epoch-3.index is no checkpoint of this version"):
        train.train(make_config(dataset, copied.path))


def test_best_that_cannot_be_read(copied):
    truncate(copied.best / "model.index")
    with pytest.raises(UserError, match="best/model cannot be read .*: restore a copy"):
        restore_model(copied)


@pytest.mark.parametrize(
    "damage",
    [truncate, lambda p: p.write_text(""), lambda p: p.write_bytes(p.read_bytes()[:-3])],
)
def test_damaged_history(dataset, copied, damage):
    damage(copied.history)
    with pytest.raises(UserError, match="history.csv is damaged: it does not list the 3 epochs"):
        Run(make_config(dataset, copied.path, epochs=4))


def test_history_that_was_removed(dataset, copied):
    copied.history.unlink()
    train.train(make_config(dataset, copied.path, epochs=4))
    lines = copied.history.read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "4"]
    assert Run(make_config(dataset, copied.path, epochs=5)).state.epoch == 4


@pytest.mark.slow
def test_full_disk(dataset, tmp_path):
    options = {"embedding_dim": 64, "rank": 100}
    whole = train.train(make_config(dataset, tmp_path / "whole", **options))
    sizes = {p: p.stat().st_size for p in whole.path.rglob("*.data-*")}
    best_size = sizes.pop(next(path for path in sizes if path.parent == whole.best))
    limit = (best_size + min(sizes.values())) // 2  # room for the best weights alone
    workdir = train.train(make_config(dataset, tmp_path / "run", **options, epochs=1))
    before = sorted(p.name for p in workdir.checkpoints.rglob("*"))

    config = make_config(dataset, workdir.path, **options)
    flags = [
        f"--{field.name}={value}"
        for field in dataclasses.fields(config)
        if (value := getattr(config, field.name)) not in (None, field.default)
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tagkeras.train", *flags],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    line = done.stderr.splitlines()[-1]  # after what TensorFlow itself logs
    assert done.returncode == 1
    assert line.startswith(
        f"python -m tagkeras.train: {workdir.checkpoints / 'step-24'} cannot be written ("
    )
    assert line.endswith("the same command then resumes from the checkpoint before")
    assert sorted(p.name for p in workdir.checkpoints.rglob("*")) == before
    assert not list(workdir.path.rglob(".*"))
    # The linear schedule of the first epoch is the same in both.
    assert_same_run(whole, train.train(config))


class Poison(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        self.step -= 1
        if not self.step:
            table = self.model.tag_table
            table.assign(tf.tensor_scatter_nd_update(table.value, [[3, 1]], [float("nan")]))


@pytest.mark.parametrize("minutes", [0, 1e-9])
def test_weights_that_are_not_finite_are_never_saved(trained, dataset, tmp_path, minutes):
    run = Run(make_config(dataset, tmp_path / "run", checkpoint_minutes=minutes))
    run.workdir.start(trained.config(), dataset)
    run.callbacks.insert(0, Poison(24))
    # The last step of the second epoch: the loss, taken before, is as it should be.
    message = "tag_table has values that are not finite after .*: start again with a lower"
    with pytest.raises(UserError, match=message):
        run.run_loop()
    assert run.workdir.best_epoch()["epoch"] == 1
    last = run.workdir.checkpoints / checkpoint_names(run.workdir)[-1]
    assert json.loads((last / "state.json").read_text())["global_step"] == (23 if minutes else 12)
    assert all(np.isfinite(value).all() for value in read_variables(last / "variables").values())


def test_loss_that_is_not_finite(dataset, tmp_path):
    options = {"optimizer": "sgd", "learning_rate": 1e30, "max_norm": 0, "loss": "bpr"}
    with pytest.raises(UserError, match=r"the loss is (nan|inf) after step \d+ of 12 of epoch 1: "):
        train.train(make_config(dataset, tmp_path / "run", **options))
    assert not (tmp_path / "run" / "best").exists()


def test_norms_and_checks_of_tables_in_slices(dataset, trained, monkeypatch):
    model = restore_model(trained)
    norms = np.linalg.norm(model.tag_table.numpy(), axis=1)
    monkeypatch.setattr(tables, "SLICE", 7)  # of 20
    np.testing.assert_allclose(
        tables.row_norms(model.tag_table.value), (norms.mean(), norms.max()), rtol=1e-5
    )
    assert tables.find_non_finite(model) is None
    table = model.tag_table
    table.assign(tf.tensor_scatter_nd_update(table.value, [[19, 7]], [float("inf")]))
    assert tables.find_non_finite(model) == "tag_table"
