"""Options chosen from the data, schedules, averaged weights, and doubts about a run."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from training_runs import checkpoint_names, make_config, parse_flags, read_variables

from tagkeras.data.manifest import Manifest
from tagkeras.train import train
from tagkeras.train.config import Config, Settings
from tagkeras.train.defaults import choose_defaults
from tagkeras.train.doubts import find_doubts
from tagkeras.train.learning_rate import LearningRateSchedule
from tagkeras.train.model import restore_model


def choose(posts, n=256, started=None, *, has_gpu=False, **options):
    manifest = Manifest(
        descriptor_size=n,
        descriptor_dtype="float16",
        num_tags=9,
        splits={"train": {"posts": posts, "tag_pairs": 3 * posts}},
        user_descriptor={"size": 10},
    )
    config = parse_flags(Config, data="data", workdir="workdir", **options)
    return choose_defaults(config, manifest, started or {}, has_gpu=has_gpu)


@pytest.mark.parametrize(
    ("posts", "options", "batch_size", "rate"),
    [
        (2000, {}, 32, 0.3),
        (20_000, {}, 64, 0.4),
        (100_000, {}, 128, 0.8),
        (100_000, {"has_gpu": True}, 512, 3.2),
        (2000, {"batch_size": 16}, 16, 0.15),
        (2000, {"rank_weight": "harmonic"}, 32, 0.075),
        (2000, {"optimizer": "adagrad"}, 32, 0.05),
        (2000, {"reduction": "sum"}, 32, 0.3 / (32 * 3)),
        (2000, {"learning_rate": 0.7}, 32, 0.7),
    ],
)
def test_steps_follow_the_number_of_posts(posts, options, batch_size, rate):
    config, said = choose(posts, **options)
    assert config.batch_size == batch_size
    np.testing.assert_allclose(config.learning_rate, rate, rtol=1e-3)
    given = {name for name in options if name != "has_gpu"}
    assert {line[2:].split("=")[0] for line in said} == {
        "batch_size",
        "learning_rate",
        "averaged_epochs",
        "epochs",
        "rank",
        "max_negatives",
        "descriptor_dropout",
        "steps_per_execution",
        "cache",
    } - given
    assert all(": " in line for line in said)


def test_other_options_follow_the_data():
    few, many = choose(2000, n=1280)[0], choose(400_000)[0]
    assert (few.descriptor_dropout, few.averaged_epochs, few.cache) == (0.5, 0.8, "memory")
    assert (many.descriptor_dropout, many.averaged_epochs, many.cache) == (0.0, 0.25, "memory")
    assert (few.rank, few.epochs, many.rank, many.epochs) == (100, 30, 200, 15)
    assert choose(2_000_000)[0].cache == "none"
    assert few.steps_per_execution * few.batch_size == 4096
    assert choose(2000, hogwild_threads=2)[0].steps_per_execution == 1


def test_a_run_keeps_what_it_was_started_with():
    started = {"batch_size": 512, "learning_rate": 0.3, "cache": "none"}
    config, _ = choose(2000, started=started)
    assert (config.batch_size, config.learning_rate, config.cache) == (512, 0.3, "none")
    assert choose(2000, started=started, batch_size=8)[0].batch_size == 8


def test_config_of_an_older_run_is_read_as_it_was_trained():
    settings = Settings.of({"model": "multiplicative", "optimizer": "adagrad", "margin": 0.1})
    assert not settings.user_offset
    assert settings.rank_weight == "harmonic"
    assert settings.fact_dropout == 0


def test_chosen_options_are_printed_once_and_kept(dataset, tmp_path, capsys):
    options = {"data": dataset, "workdir": tmp_path / "run", "embedding_dim": 4, "rank": 4}
    for epochs in (1, 2):
        workdir = train.train(parse_flags(Config, epochs=epochs, **options))
        said = capsys.readouterr().out
        assert ("--batch_size=32: 600 training posts\n" in said) == (epochs == 1)
    assert workdir.config()["batch_size"] == 32
    assert workdir.config()["learning_rate"] == 0.3


@pytest.mark.parametrize(
    ("name", "factors"),
    [("hold", [1, 1, 1, 0.8, 0.4]), ("linear", [1, 0.8, 0.6, 0.4, 0.2])],
)
def test_rates_of_a_schedule(name, factors):
    schedule = LearningRateSchedule(name, learning_rate=1.0, epochs=len(factors))
    np.testing.assert_allclose([schedule.factor(epoch) for epoch in range(5)], factors)


def test_plateau_waits_until_some_positive_has_no_violator():
    schedule = LearningRateSchedule("plateau", learning_rate=1.0, epochs=9)
    for epoch in range(6):
        schedule.on_epoch_end(epoch, {"val_P@1": 0.1, "violator_share": 1.0})
    assert schedule.factor(6) == 1
    for epoch in range(3):
        schedule.on_epoch_end(epoch, {"val_P@1": 0.1, "violator_share": 0.9})
    np.testing.assert_allclose(schedule.factor(9), 0.1)


def test_best_weights_are_the_mean_of_the_last_epochs(dataset, tmp_path):
    """Of one step each; the checkpoints hold the weights themselves."""
    options = {"model": "bilinear", "averaged_epochs": 0.6, "epochs": 3, "batch_size": 600}
    workdir = train.train(make_config(dataset, tmp_path / "run", **options))
    tables = []
    for name in checkpoint_names(workdir)[1:]:
        variables = read_variables(workdir.checkpoints / name / "variables")
        (table,) = [value for key, value in variables.items() if key.startswith("tag_table/")]
        tables.append(table)
    assert workdir.best_epoch()["epoch"] == 3
    expected = np.mean(tables, axis=0)
    np.testing.assert_allclose(restore_model(workdir).tag_table, expected, rtol=1e-5, atol=1e-7)


def test_doubts_name_the_remedy():
    inputs = {"descriptor": tf.zeros([4, 2])}
    tags = {"tags": tf.ragged.constant([[0], [0], [0, 3], [4]], dtype=tf.int64)}
    validation = tf.data.Dataset.from_tensors((inputs, tags))
    learned = {"val_P@1": 0.8, "val_R@5": 1.0, "violator_share": 0.7}
    options = {"steps_per_epoch": 100, "num_tags": 5, "validation": validation}
    assert not find_doubts(learned, **options)
    (doubt,) = find_doubts({**learned, "val_P@1": 0.7}, **options)
    assert "validation P@1 is 0.7000, the most frequent hashtags alone have 0.7500" in doubt
    (doubt,) = find_doubts({**learned, "violator_share": 0.999}, **options)
    assert "the model has not begun to learn: try another --learning_rate" in doubt
    (doubt,) = find_doubts(learned, **{**options, "steps_per_epoch": 9, "validation": None})
    assert "only 9 steps an epoch: a lower --batch_size" in doubt


def test_flags_given_stay():
    options = {"batch_size": 7, "learning_rate": 0.5, "descriptor_dropout": 0.2, "cache": "none"}
    config, _ = choose(2000, averaged_epochs=0, steps_per_execution=3, **options)
    expected = {**options, "averaged_epochs": 0, "steps_per_execution": 3}
    assert expected.items() <= dataclasses.asdict(config).items()
