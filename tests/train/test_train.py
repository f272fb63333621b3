"""The train command: what a workdir holds, what may change, and what is refused in one line."""

import csv
import json
import shutil

import numpy as np
import pytest
from tiny_dataset import write_dataset
from training_runs import EPOCHS, checkpoint_names, make_config

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.train import config, train
from tagkeras.train.model import compile_model, make_model, restore_model
from tagkeras.train.train import Run
from tagkeras.train.workdir import Workdir


def test_workdir_holds_the_run(trained, dataset):
    assert trained.vocabulary().tags == Vocabulary.load(dataset / "vocabulary.tsv").tags
    assert trained.manifest() == Manifest.load(dataset)
    assert trained.config()["rank"] == 8
    lines = trained.history.read_text().splitlines()
    assert len(lines) == 1 + EPOCHS
    assert lines[0].startswith("epoch,loss,")
    rates = [float(line.split(",")[-1]) for line in lines[1:]]
    first = 0.4688  # 0.3 * 50 / 32, in four digits
    np.testing.assert_allclose(rates, [first, first * 2 / 3, first / 3], rtol=1e-5)
    assert checkpoint_names(trained) == ["step-12", "step-24", "step-36"]


@pytest.mark.parametrize("model", ["bilinear", "user_biased"])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_models_and_optimizers_learn(dataset, tmp_path, model, optimizer):
    config = make_config(dataset, tmp_path, model=model, optimizer=optimizer)
    lines = train.train(config).history.read_text().splitlines()
    shares = [float(row["violator_share"]) for row in csv.DictReader(lines)]
    assert shares[-1] < shares[0]


def test_a_finished_run_is_left_alone_but_may_get_more_epochs(dataset, tmp_path):
    train.train(make_config(dataset, tmp_path / "run", epochs=1))
    workdir = train.train(make_config(dataset, tmp_path / "run", epochs=2))
    assert len(workdir.history.read_text().splitlines()) == 3
    before = workdir.history.stat().st_mtime_ns
    train.train(make_config(dataset, workdir.path, epochs=2))
    assert workdir.history.stat().st_mtime_ns == before


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
    assert Run(make_config(dataset, workdir.path)).is_over
    assert Run(make_config(dataset, workdir.path, cache="memory", early_stopping=9)).is_over
    with pytest.raises(UserError, match=r"started with --user_bias=0.5 \(now 0.25\)"):
        Run(make_config(dataset, workdir.path, user_bias=0.25))
    assert restore_model(workdir)


@pytest.mark.parametrize("name", ["config.json", "best/epoch.json"])
@pytest.mark.parametrize("content", [b'{"data": "x", "wor', b"[]", b"\xff"])
def test_damaged_json(trained, dataset, tmp_path, name, content):
    shutil.copytree(trained.path, tmp_path / "run")
    damaged = tmp_path / "run" / name
    damaged.write_bytes(content)
    message = f"{damaged} is damaged .*: restore a copy, or train again in another --workdir"
    with pytest.raises(UserError, match=message):
        restore_model(Workdir(tmp_path / "run"))
    with pytest.raises(UserError, match=message):
        train.main(make_config(dataset, tmp_path / "run"))


def test_two_runs_at_once(dataset, tmp_path):
    with Workdir(tmp_path / "run").locked():
        with pytest.raises(UserError, match="another run is active in .*run: wait for it"):
            train.train(make_config(dataset, tmp_path / "run"))


def test_leftovers_of_killed_runs_are_removed(tmp_path):
    workdir = Workdir(tmp_path)
    for name in (".best.0123abcd.tmp", ".best.0123abcd.old", "checkpoints/.step-3.0123abcd.tmp"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".history.csv.0123abcd.tmp").touch()
    (tmp_path / ".other.tmp").touch()
    with workdir.locked():
        pass
    assert {path.name for path in tmp_path.rglob("*")} == {"best", "checkpoints", ".other.tmp"}


def test_other_dataset_than_the_run_was_started_on(trained, tmp_path):
    other = write_dataset(tmp_path / "dataset", num_tags=19)
    with pytest.raises(UserError, match="has another vocabulary than"):
        train.train(make_config(other, trained.path))


def test_folder_with_other_files_is_not_taken_as_a_workdir(dataset, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="holds other files and no config.json"):
        train.train(make_config(dataset, tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_smallest_vocabularies(tmp_path):
    one = write_dataset(tmp_path / "one", num_tags=1)
    with pytest.raises(UserError, match="vocabulary of 1 tag: ranking needs at least 2"):
        train.train(make_config(one, tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    two = write_dataset(tmp_path / "two", num_tags=2, posts=50)
    workdir = train.train(make_config(two, tmp_path / "run", epochs=1))
    assert {"val_P@1", "val_R@2", "val_A@2"} <= set(workdir.best_epoch())


@pytest.mark.slow
def test_threads_train_and_resume(dataset, tmp_path, capsys):
    options = {"hogwild_threads": 2, "batch_size": 10}
    train.train(make_config(dataset, tmp_path / "run", **options, epochs=2))
    workdir = train.train(make_config(dataset, tmp_path / "run", **options, epochs=4))
    assert "resuming" in capsys.readouterr().out
    assert len(workdir.history.read_text().splitlines()) == 1 + 4
    # A random ten has half of the tags, and a truth holds some that nobody can predict.
    assert workdir.best_epoch()["val_R@10"] > 0.55


def test_start_from_an_earlier_run(trained, tmp_path, capsys):
    more = write_dataset(tmp_path / "more", posts=300, num_tags=25)
    # Without the momentum of the earlier run, which would go on.
    slow = {"optimizer": "adagrad", "learning_rate": 1e-9, "epochs": 1}
    options = {"warm_start": trained.path, **slow}
    config = make_config(more, tmp_path / "later", **options)
    later = train.train(config)
    assert "20 tags known, 5 new" in capsys.readouterr().out
    before, after = restore_model(trained), restore_model(later)
    rows = dict(zip(later.vocabulary().tags, after.tag_table.numpy(), strict=True))
    for tag, row in zip(trained.vocabulary().tags, before.tag_table.numpy(), strict=True):
        np.testing.assert_allclose(rows[tag], row, atol=1e-6)
    train.train(config)  # finished: it does not start again
    assert "tags known" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"jit_compile": True, "sampler": "sequential"},
            "XLA cannot compile --sampler=sequential: choose another",
        ),
        ({"hogwild_threads": 2, "jit_compile": True}, "--hogwild_threads=2 and --jit_compile do"),
        (
            {"hogwild_threads": 2, "steps_per_execution": 3},
            "--hogwild_threads=2 and --steps_per_execution=3 do not go together: leave one out",
        ),
        (
            {"strategy": "mirrored", "hogwild_threads": 2},
            "--strategy=mirrored and --hogwild_threads=2 do not go together: leave one out",
        ),
        ({"strategy": "mirrored", "jit_compile": True}, "mirrored and --jit_compile do not"),
        ({"strategy": "mirrored", "cache": "device"}, "mirrored and --cache=device do not"),
        (
            {"strategy": "mirrored", "precision": "mixed_float16"},
            "mirrored and --precision=mixed_float16 do not",
        ),
        ({"warm_start": "nowhere"}, "nowhere is no workdir of tagkeras.train"),
    ],
)
def test_flags_that_are_refused(dataset, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        train.train(make_config(dataset, tmp_path / "run", **options))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "options",
    [
        *({"model": name} for name in config.MODELS),
        *({"loss": name} for name in config.LOSSES),
        *({"sampler": name} for name in config.SAMPLERS),
        *({"optimizer": name} for name in config.OPTIMIZERS),
        *({"precision": name} for name in config.PRECISIONS),
    ],
)
def test_every_choice_makes_a_model(trained, options):
    settings = config.Settings(embedding_dim=4, rank=3, **options)
    compile_model(make_model(settings, trained.manifest()), settings)
