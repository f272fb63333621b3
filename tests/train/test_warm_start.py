"""What a new run takes over from an earlier one, tag by tag by name, and what is refused."""

import dataclasses
import shutil

import numpy as np
import pytest
from tiny_dataset import write_dataset
from training_runs import ADAGRAD, make_config

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.train import tables
from tagkeras.train.average import WeightAverage
from tagkeras.train.callbacks import SaveCheckpoints
from tagkeras.train.config import Settings
from tagkeras.train.learning_rate import LearningRateSchedule
from tagkeras.train.model import compile_model, make_model, restore_model
from tagkeras.train.train import Run, train
from tagkeras.train.warm_start import WarmStart, find_state
from tagkeras.train.workdir import Workdir

# What the row optimizers keep for each tag.
NAMES = {"adagrad": "accumulator", "sgd": "velocity"}


def make_settings(**options):
    return Settings(**{"embedding_dim": 4, "rank": 5, "user_hidden": 3, **options})


def make_dataset(folder, tags, **changes):
    folder.mkdir()
    Vocabulary(tuple(tags), np.zeros(len(tags), np.int64)).save(folder / "vocabulary.tsv")
    user = {"countries": ["US"], "location_decimals": 1, "size": 6}
    values = {"descriptor_size": 7, "user_descriptor": user, **changes}
    Manifest(descriptor_dtype="float32", num_tags=len(tags), splits={}, **values).save(folder)
    return folder


def make_run(folder, settings, tags=("a", "b", "c", "d")):
    """A workdir as after an epoch, all of whose numbers are random; and its model."""
    workdir = Workdir(folder / "earlier")
    dataset = make_dataset(folder / "earlier_dataset", tags)
    workdir.start(dataclasses.asdict(settings), dataset)
    model = make_model(settings, Manifest.load(dataset))
    compile_model(model, settings)
    rng = np.random.default_rng(0)
    state = getattr(model.row_optimizer, NAMES[settings.optimizer])
    for variable in [*model.embedding.weights, model.tag_table, *model.optimizer.variables, state]:
        if len(variable.shape):
            variable.assign(rng.random(variable.shape) / 10)
    schedule = LearningRateSchedule("constant", learning_rate=0.1, epochs=1)
    checkpoints = SaveCheckpoints(workdir, model, schedule, WeightAverage(model, 0, 1))
    checkpoints.set_model(model)
    checkpoints.restore(1)
    checkpoints.on_epoch_end(0, {})
    return workdir, model


def start(folder, workdir, settings, tags=("x", "d", "a", "y", "b")):
    """A fresh model that starts from a workdir, its table before that, and what was said."""
    dataset = make_dataset(folder / "dataset", tags)
    manifest, vocabulary = Manifest.load(dataset), Vocabulary.load(dataset / "vocabulary.tsv")
    model = make_model(settings, manifest)
    compile_model(model, settings)
    fresh = model.tag_table.numpy()
    return model, fresh, WarmStart(workdir, settings, manifest, vocabulary).apply(model)


def slots(model):
    """What the optimizer keeps for each weight."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    return [variable.numpy() for variable in optimizer.variables if len(variable.shape)]


@pytest.mark.parametrize("optimizer", list(NAMES))
@pytest.mark.parametrize(
    ("before", "now"),
    [("float32",) * 2, ("mixed_float16", "float32"), ("float32", "mixed_float16")],
)
def test_takes_over_by_name(tmp_path, monkeypatch, optimizer, before, now):
    monkeypatch.setattr(tables, "SLICE", 2)  # three shared tags: two slices
    workdir, earlier = make_run(tmp_path, make_settings(optimizer=optimizer, precision=before))
    settings = make_settings(optimizer=optimizer, precision=now)
    model, fresh, said = start(tmp_path, workdir, settings)
    assert said == (
        f"started from {workdir.path}: 3 tags known, 2 new, 1 left behind,"
        " with the optimizers' state"
    )
    for old, new in zip(earlier.embedding.weights, model.embedding.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    table, old = model.tag_table.numpy(), earlier.tag_table.numpy()
    np.testing.assert_array_equal(table[[1, 2, 4]], old[[3, 0, 1]])
    np.testing.assert_array_equal(table[[0, 3]], fresh[[0, 3]])
    state, old_state = (
        getattr(m.row_optimizer, NAMES[optimizer]).numpy() for m in (model, earlier)
    )
    np.testing.assert_array_equal(state[[1, 2, 4]], old_state[[3, 0, 1]])
    np.testing.assert_array_equal(state[[0, 3]], np.float32(1e-6 if optimizer == "adagrad" else 0))
    assert len(slots(model)) == 7
    for old_slot, slot in zip(slots(earlier), slots(model), strict=True):
        np.testing.assert_array_equal(old_slot, slot)
    assert int(model.optimizer.iterations.numpy()) == 0
    np.testing.assert_allclose(model.optimizer.learning_rate, settings.first_learning_rate)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"optimizer": "adagrad"}, {"optimizer": "sgd"}),
        ({"optimizer": "sgd"}, {"optimizer": "adagrad"}),
        ({"optimizer": "sgd"}, {"optimizer": "sgd", "momentum": 0.0}),
    ],
)
def test_another_optimizer_starts_afresh(tmp_path, before, now):
    workdir, earlier = make_run(tmp_path, make_settings(**before))
    model, _, said = start(tmp_path, workdir, make_settings(**now))
    assert "without the optimizers' state" in said
    np.testing.assert_array_equal(model.tag_table[1], earlier.tag_table[3])
    initial = np.float32(1e-6 if now["optimizer"] == "adagrad" else 0)
    assert all((slot == initial).all() for slot in slots(model))


def test_rows_are_projected_to_a_smaller_max_norm(tmp_path):
    workdir, earlier = make_run(tmp_path, make_settings())
    model, _, _ = start(tmp_path, workdir, make_settings(max_norm=0.05))
    np.testing.assert_allclose(np.linalg.norm(model.tag_table.numpy()[[1, 2, 4]], axis=1), 0.05)
    ratio = model.tag_table.numpy()[1] / earlier.tag_table.numpy()[3]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)


def test_rank_means_nothing_to_other_models(tmp_path):
    workdir, _ = make_run(tmp_path, make_settings(model="bilinear"))
    _, _, said = start(tmp_path, workdir, make_settings(model="bilinear", rank=9, user_hidden=9))
    assert "3 tags known" in said


def test_the_newest_checkpoint_counts(tmp_path):
    workdir, _ = make_run(tmp_path, make_settings())
    for name in ("step-9", "step-10", ".step-11.tmp"):
        shutil.copytree(workdir.checkpoints / "step-0", workdir.checkpoints / name)
    assert find_state(workdir) == workdir.checkpoints / "step-10" / "variables"
    shutil.rmtree(workdir.checkpoints)
    assert find_state(workdir) is None
    _, _, said = start(tmp_path, workdir, make_settings())
    assert "without the optimizers' state" in said


def test_continues_where_the_earlier_run_ended(dataset, tmp_path):
    """A pass over posts with some more tags: with the earlier run's state, little is unlearned."""
    trained = train(make_config(dataset, tmp_path / "trained", **ADAGRAD))
    more = write_dataset(tmp_path / "more", posts=600, num_tags=22)

    def loss_of_a_pass(name, earlier):
        config = make_config(more, tmp_path / name, **ADAGRAD, epochs=1)
        run = Run(config)
        if earlier is not None:
            vocabulary = Vocabulary.load(more / "vocabulary.tsv")
            WarmStart(earlier, config, Manifest.load(more), vocabulary).apply(run.model)
        run.workdir.start(dataclasses.asdict(config), more)
        run.run_loop()
        return float(run.workdir.history.read_text().splitlines()[1].split(",")[1])

    shutil.copytree(trained.path, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints"))
    without_state = loss_of_a_pass("without", Workdir(tmp_path / "run"))
    assert loss_of_a_pass("warm", trained) < without_state < loss_of_a_pass("cold", None)


@pytest.mark.parametrize(
    ("settings", "changes", "tags", "message"),
    [
        ({"model": "bilinear"}, {}, "ab", r"with --model=multiplicative \(now bilinear\): give"),
        ({"embedding_dim": 5, "rank": 6}, {}, "ab", r"embedding_dim=4 \(now 5\), --rank=5 \(now 6"),
        ({"user_hidden": 2}, {}, "ab", r"with --user_hidden=3 \(now 2\)"),
        ({}, {"descriptor_size": 8}, "ab", "other image descriptors than this dataset"),
        ({}, {"cnn": {"weights_sha256": "0"}}, "ab", r"image descriptors \(another CNN\)"),
        ({}, {}, "xy", "knows none of the tags of this dataset"),
    ],
)
def test_other_runs_are_refused(tmp_path, settings, changes, tags, message):
    workdir, _ = make_run(tmp_path, make_settings())
    dataset = make_dataset(tmp_path / "dataset", tags, **changes)
    manifest, vocabulary = Manifest.load(dataset), Vocabulary.load(dataset / "vocabulary.tsv")
    with pytest.raises(UserError, match=message):
        WarmStart(workdir, make_settings(**settings), manifest, vocabulary)


def test_columns_of_facts_go_where_the_new_dataset_has_them(tmp_path):
    workdir, _ = make_run(tmp_path, make_settings())
    user = {"countries": ["GB", "US"], "location_decimals": 1, "size": 7}
    dataset = make_dataset(tmp_path / "dataset", "ab", user_descriptor=user)
    manifest, vocabulary = Manifest.load(dataset), Vocabulary.load(dataset / "vocabulary.tsv")
    warm_start = WarmStart(workdir, make_settings(), manifest, vocabulary)
    model = make_model(make_settings(), manifest)
    compile_model(model, make_settings())
    fresh = model.embedding.W.numpy()
    warm_start.apply(model)
    before, now = restore_model(workdir).embedding.W.numpy(), model.embedding.W.numpy()
    # age, gender, US, x, y, z; now with GB before US
    np.testing.assert_array_equal(now[:, [0, 1, 3, 4, 5, 6]], before)
    np.testing.assert_array_equal(now[:, 2], fresh[:, 2])


def test_a_damaged_checkpoint_and_a_run_without_a_finished_epoch(tmp_path):
    workdir, _ = make_run(tmp_path, make_settings())
    (path,) = workdir.checkpoints.glob("*/variables.data-*")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UserError, match="checkpoints/step-0 cannot be read"):
        start(tmp_path, workdir, make_settings())
    shutil.rmtree(workdir.best)
    shutil.rmtree(tmp_path / "dataset")
    with pytest.raises(UserError, match="has no checkpoint yet: run tagkeras.train"):
        start(tmp_path, workdir, make_settings())
