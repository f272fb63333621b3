"""What a new run takes over from an earlier one, tag by tag by name."""

import dataclasses
import shutil

import numpy as np
import pytest
from growing_helpers import train_config
from random_runs import NAMES, make_run, make_settings, start

from tagkeras.data.manifest import Manifest
from tagkeras.train import __main__ as train
from tagkeras.train import optimizer_state, rows
from tagkeras.train.run import prepare
from tagkeras.train.warm_start import warm_start


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
    monkeypatch.setattr(rows, "SLICE", 2)  # three shared tags: two slices
    workdir, earlier = make_run(tmp_path, make_settings(optimizer=optimizer, precision=before))
    settings = make_settings(optimizer=optimizer, precision=now)
    model, fresh, came = start(tmp_path, workdir, settings)
    assert came == (3, 2, 1, True)
    assert came.describe(workdir) == (
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
    assert len(slots(model)) == 5
    for old_slot, slot in zip(slots(earlier), slots(model), strict=True):
        np.testing.assert_array_equal(old_slot, slot)
    assert int(model.optimizer.iterations.numpy()) == 0
    np.testing.assert_allclose(model.optimizer.learning_rate, settings.first_learning_rate)
    np.testing.assert_allclose(model.row_optimizer.learning_rate, settings.first_learning_rate)


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
    model, _, came = start(tmp_path, workdir, make_settings(**now))
    assert not came.has_optimizer_state
    assert "without the optimizers' state" in came.describe(workdir)
    np.testing.assert_array_equal(model.tag_table[1], earlier.tag_table[3])
    initial = np.float32(1e-6 if now["optimizer"] == "adagrad" else 0)
    assert all((slot == initial).all() for slot in slots(model))


def test_rows_are_brought_into_a_smaller_ball(tmp_path):
    workdir, earlier = make_run(tmp_path, make_settings())
    model, _, _ = start(tmp_path, workdir, make_settings(max_norm=0.05))
    np.testing.assert_allclose(np.linalg.norm(model.tag_table.numpy()[[1, 2, 4]], axis=1), 0.05)
    ratio = model.tag_table.numpy()[1] / earlier.tag_table.numpy()[3]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)


def test_rank_means_nothing_to_other_models(tmp_path):
    workdir, _ = make_run(tmp_path, make_settings(model="bilinear"))
    _, _, came = start(tmp_path, workdir, make_settings(model="bilinear", rank=9, user_hidden=9))
    assert came.known == 3


def test_the_newest_checkpoint_counts(tmp_path):
    workdir, _ = make_run(tmp_path, make_settings())
    for name in ("step-9", "step-10", ".step-11.tmp"):
        shutil.copytree(workdir.checkpoints / "step-0", workdir.checkpoints / name)
    assert optimizer_state.find_state(workdir) == workdir.checkpoints / "step-10" / "variables"
    shutil.rmtree(workdir.checkpoints)
    assert optimizer_state.find_state(workdir) is None
    _, _, came = start(tmp_path, workdir, make_settings())
    assert not came.has_optimizer_state


def test_goes_on_where_the_earlier_run_ended(world, tmp_path, monkeypatch):
    """A pass over posts with one more tag: with the earlier run's state, little is unlearned."""
    vocabulary = world.whole_run.vocabulary()

    def loss_of_a_pass(name, earlier, find_state=optimizer_state.find_state):
        config = train_config(world.whole, tmp_path / name, epochs=1)
        run = prepare(config)
        if earlier is not None:
            monkeypatch.setattr(optimizer_state, "find_state", find_state)
            manifest = Manifest.load(world.whole)
            came = warm_start(
                run.model, earlier, settings=config, manifest=manifest, vocabulary=vocabulary
            )
            assert came[:3] == (len(vocabulary) - 1, 1, 0)
        run.workdir.start(dataclasses.asdict(config), world.whole)
        train.fit(run)
        return float(run.workdir.history.read_text().splitlines()[1].split(",")[1])

    cold = loss_of_a_pass("cold", None)
    without_state = loss_of_a_pass("without", world.run, lambda _: None)
    warm = loss_of_a_pass("warm", world.run)
    assert warm < without_state < cold
