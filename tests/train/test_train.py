"""The train and evaluate commands: resumption, and one clear line for what does not fit."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny_dataset import write_dataset
from training_runs import EPOCHS, assert_same_run, checkpoint_names, make_config

from tagkeras.cli import commandline, files
from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate import evaluate
from tagkeras.train import __main__ as train
from tagkeras.train.restore import restore_model
from tagkeras.train.run import prepare
from tagkeras.train.workdir import Workdir
from tagkeras.train.workdir_lock import locked


def test_workdir_holds_the_run(trained, dataset):
    assert trained.vocabulary().tags == Vocabulary.load(dataset / "vocabulary.tsv").tags
    assert trained.manifest() == Manifest.load(dataset)
    assert trained.config()["rank"] == 8
    lines = trained.history.read_text().splitlines()
    assert len(lines) == 1 + EPOCHS
    assert lines[0].startswith("epoch,loss,")
    rates = [float(line.split(",")[-1]) for line in lines[1:]]
    np.testing.assert_allclose(rates, [0.05, 0.05 * 2 / 3, 0.05 / 3], rtol=1e-5)
    assert checkpoint_names(trained) == ["step-12", "step-24", "step-36"]


def test_same_seed_same_weights(trained, dataset, tmp_path):
    assert_same_run(trained, train.train(make_config(dataset, tmp_path / "again")))


@pytest.mark.parametrize("model", ["bilinear", "user_biased"])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_models_and_optimizers_learn(dataset, tmp_path, model, optimizer):
    config = make_config(dataset, tmp_path, model=model, optimizer=optimizer, learning_rate=0.05)
    losses = [
        float(line.split(",")[1])
        for line in train.train(config).history.read_text().splitlines()[1:]
    ]
    assert losses[-1] < losses[0]


@pytest.mark.slow
def test_killed_in_the_middle_and_started_again(trained, dataset, tmp_path):
    flags = tmp_path / "run.flags"
    config = dataclasses.asdict(make_config(dataset, tmp_path / "killed"))
    lines = [f"--{name}={value}" for name, value in config.items() if value is not None]
    flags.write_text("\n".join(lines))
    command = [sys.executable, "-u", "-m", "tagkeras.train", f"--flagfile={flags}"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stdout:
            if line.startswith("Epoch 2"):
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert f"going on in {tmp_path / 'killed'} after epoch" in done.stdout
    assert f"wrote {tmp_path / 'killed'}: best epoch" in done.stdout
    assert done.stderr == ""
    assert_same_run(trained, Workdir(tmp_path / "killed"))


def test_more_epochs_may_follow(dataset, tmp_path):
    train.train(make_config(dataset, tmp_path / "run", epochs=1))
    workdir = train.train(make_config(dataset, tmp_path / "run", epochs=2))
    assert len(workdir.history.read_text().splitlines()) == 3


def test_a_finished_run_is_left_alone(trained, dataset):
    before = trained.history.stat().st_mtime_ns
    train.train(make_config(dataset, trained.path))
    assert trained.history.stat().st_mtime_ns == before


def test_no_validation_posts(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", posts=100, validation=0)
    workdir = train.train(make_config(dataset, tmp_path / "run", epochs=2))
    assert workdir.best_epoch()["epoch"] == 2
    with pytest.raises(UserError, match="has no validation posts: choose another --schedule"):
        train.train(make_config(dataset, tmp_path / "other", schedule="plateau"))
    with pytest.raises(UserError, match="has no validation posts: leave out --early_stopping"):
        train.train(make_config(dataset, tmp_path / "other", early_stopping=2))


def test_other_flags_than_the_run_was_started_with(trained, dataset):
    with pytest.raises(UserError, match=r"started with --rank=8 \(now 9\), --seed=0 \(now 4\)"):
        train.train(make_config(dataset, trained.path, rank=9, seed=4))


def test_flags_that_are_younger_than_the_run(trained, dataset, tmp_path):
    shutil.copytree(trained.path, tmp_path / "run")
    workdir = Workdir(tmp_path / "run")
    config = workdir.config()
    for name in ("cache", "checkpoint_minutes", "jit_compile", "early_stopping", "user_bias"):
        del config[name]
    files.write_text(workdir.path / "config.json", json.dumps(config))
    assert prepare(make_config(dataset, workdir.path)).is_over
    assert prepare(make_config(dataset, workdir.path, cache="memory", early_stopping=9)).is_over
    with pytest.raises(UserError, match=r"started with --user_bias=0.5 \(now 0.25\)"):
        prepare(make_config(dataset, workdir.path, user_bias=0.25))
    assert restore_model(workdir)


@pytest.mark.parametrize("content", ["", '{"data": "x", "wor', "[]", b"\xff"])
@pytest.mark.parametrize("name", ["config.json", "best/epoch.json"])
def test_damaged_json(trained, dataset, tmp_path, name, content):
    shutil.copytree(trained.path, tmp_path / "run")
    damaged = tmp_path / "run" / name
    damaged.write_bytes(content if isinstance(content, bytes) else content.encode())
    message = f"{damaged} is damaged .*: put back a copy, or train again in another --workdir"
    with pytest.raises(UserError, match=message):
        restore_model(Workdir(tmp_path / "run"))
    with pytest.raises(UserError, match=message):
        train.main(make_config(dataset, tmp_path / "run"))


def test_sampler_that_xla_cannot_compile(dataset, tmp_path):
    options = {"jit_compile": True, "sampler": "sequential"}
    with pytest.raises(UserError, match="XLA cannot compile --sampler=sequential: choose another"):
        train.train(make_config(dataset, tmp_path / "run", **options))
    assert not (tmp_path / "run").exists()


def test_two_runs_at_once(dataset, tmp_path):
    with locked(Workdir(tmp_path / "run")):
        with pytest.raises(UserError, match="another run is at work in .*run: wait for its end"):
            train.train(make_config(dataset, tmp_path / "run"))


def test_what_killed_runs_left_is_cleared(tmp_path):
    workdir = Workdir(tmp_path)
    for name in (".best.0123abcd.tmp", ".best.0123abcd.old", "checkpoints/.step-3.0123abcd.tmp"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".history.csv.0123abcd.tmp").touch()
    (tmp_path / ".other.tmp").touch()
    with locked(workdir):
        pass
    assert {path.name for path in tmp_path.rglob("*")} == {"best", "checkpoints", ".other.tmp"}


def test_other_dataset_than_the_run_was_started_on(trained, tmp_path):
    other = write_dataset(tmp_path / "dataset", num_tags=19)
    with pytest.raises(UserError, match="has another vocabulary than"):
        train.train(make_config(other, trained.path))
    with pytest.raises(UserError, match="has another vocabulary than"):
        evaluate.evaluate(evaluation(trained, other, tmp_path))


def test_folder_with_other_files_is_not_taken_as_a_workdir(dataset, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="holds other files and no config.json"):
        train.train(make_config(dataset, tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_vocabulary_of_one_tag(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", num_tags=1)
    with pytest.raises(UserError, match="vocabulary of 1 tag: ranking needs at least 2"):
        train.train(make_config(dataset, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_vocabulary_of_two_tags(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", num_tags=2, posts=50)
    workdir = train.train(make_config(dataset, tmp_path / "run", epochs=1))
    metrics = evaluate.evaluate(evaluation(workdir, dataset, tmp_path / "eval"))
    assert {"P@1", "R@2", "A@2"} <= set(metrics)


def evaluation(workdir, dataset, output, **options):
    flags = [f"--{name}={value}" for name, value in options.items()]
    paths = [f"--workdir={workdir.path}", f"--data={dataset}", f"--output={output}"]
    return commandline.parse(evaluate.Config, [*paths, *flags])


def test_evaluate_against_numpy(trained, dataset, tmp_path):
    metrics = evaluate.evaluate(evaluation(trained, dataset, tmp_path, top_k=5))
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    predictions = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert len(predictions) == metrics["num_posts"] == 60

    model, manifest, tags = (
        restore_model(trained),
        Manifest.load(dataset),
        trained.vocabulary().tags,
    )
    weights = {w.name: w.numpy() for w in model.embedding.weights}
    (batch,) = data_input.read_split(dataset, manifest, "test", 100)
    scores = {"P@1": [], "R@5": [], "A@5": []}
    baseline = {name: [] for name in scores}
    for row, predicted in enumerate(predictions):
        assert predicted["post_id"] == batch["post_id"].numpy()[row].decode()
        x, u = batch["descriptor"].numpy()[row], batch["user_descriptor"].numpy()[row]
        h = np.maximum(weights["W"] @ u + weights["b"], 0)
        factors = (weights["alpha"].T @ h) * (weights["gamma"].T @ (x / np.linalg.norm(x)))
        f = model.tag_table.numpy() @ (weights["beta"] @ factors)
        best = np.argsort(-f, kind="stable")[:5]
        assert predicted["hashtags"] == [tags[i] for i in best]
        np.testing.assert_allclose(predicted["scores"], f[best], rtol=1e-4, atol=1e-5)
        truth = set(batch["tags"][row].numpy().tolist())
        num_truth = len(truth) + int(batch["out_of_vocabulary"][row])
        for collected, ids in ((scores, best), (baseline, np.arange(5))):
            hits = len(truth & set(ids.tolist()))
            collected["P@1"].append(float(ids[0] in truth))
            collected["R@5"].append(hits / num_truth)
            collected["A@5"].append(float(hits > 0))
    for name, values in scores.items():
        np.testing.assert_allclose(metrics[name], np.mean(values), rtol=1e-5)
        np.testing.assert_allclose(
            metrics["frequency_baseline"][name], np.mean(baseline[name]), rtol=1e-5
        )


def test_workdir_without_a_checkpoint(dataset, tmp_path):
    workdir = Workdir(tmp_path / "run")
    workdir.start(dataclasses.asdict(make_config(dataset, workdir.path)), dataset)
    with pytest.raises(UserError, match="has no checkpoint yet"):
        evaluate.evaluate(evaluation(workdir, dataset, tmp_path))
    assert Path(workdir.path / "config.json").exists()
