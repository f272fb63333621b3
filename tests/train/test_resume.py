"""Runs that are interrupted at any step end as if they had not been, to the last bit."""

import pytest
from training_runs import STEPS, assert_same_run, checkpoint_names, make_config

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.train import train
from tagkeras.train.callbacks import SaveCheckpoints, WriteHistory
from tagkeras.train.train import Run
from tagkeras.train.workdir import Workdir

# Minutes that are over after each step.
AT_ONCE = 1e-9


class Stopped(Exception):
    pass


@pytest.fixture
def interrupted(dataset, tmp_path, monkeypatch):
    """Trains until a step is saved, and raises then."""

    def train_until(step, **options):
        save = SaveCheckpoints.on_train_batch_end

        def save_and_stop(self, batch, logs=None):
            save(self, batch, logs)
            if checkpoint_names(Workdir(tmp_path / "run"))[-1:] == [f"step-{step}"]:
                raise Stopped

        monkeypatch.setattr(SaveCheckpoints, "on_train_batch_end", save_and_stop)
        options = {"checkpoint_minutes": AT_ONCE, **options}
        with pytest.raises(Stopped):
            train.train(make_config(dataset, tmp_path / "run", **options))
        monkeypatch.undo()
        return Workdir(tmp_path / "run")

    return train_until


def test_twice_in_the_middle_of_epochs(trained, dataset, interrupted, capsys):
    workdir = interrupted(5)
    assert checkpoint_names(workdir) == ["step-3", "step-4", "step-5"]
    assert not workdir.history.exists()
    interrupted(18, cache="memory")
    assert f"resuming {workdir.path} after step 5 of 12 of epoch 1\n" in capsys.readouterr().out
    train.train(make_config(dataset, workdir.path, checkpoint_minutes=0))
    assert f"resuming {workdir.path} after step 6 of 12 of epoch 2\n" in capsys.readouterr().out
    assert_same_run(trained, workdir)


@pytest.mark.slow
def test_between_the_line_of_an_epoch_and_its_checkpoint(trained, dataset, tmp_path, monkeypatch):
    save = WriteHistory.on_epoch_end

    def stop(self, epoch, logs=None):
        save(self, epoch, logs)
        if epoch == 1:
            raise Stopped

    monkeypatch.setattr(WriteHistory, "on_epoch_end", stop)
    with pytest.raises(Stopped):
        train.train(make_config(dataset, tmp_path / "run"))
    monkeypatch.undo()
    workdir = Workdir(tmp_path / "run")
    assert checkpoint_names(workdir) == ["step-12"]
    assert_same_run(trained, train.train(make_config(dataset, tmp_path / "run")))


@pytest.mark.slow
def test_several_steps_per_execution(trained, dataset, interrupted):
    # Neither 5 nor 8 divides the steps of an epoch, nor those that are left of it.
    workdir = interrupted(STEPS + 5, steps_per_execution=5)
    assert checkpoint_names(workdir) == ["step-10", "step-12", "step-17"]
    train.train(make_config(dataset, workdir.path, steps_per_execution=8))
    assert_same_run(trained, workdir)


@pytest.mark.slow
def test_schedule_with_state_momentum_and_loss_scale(dataset, tmp_path, interrupted):
    options = {
        "precision": "mixed_float16",
        "optimizer": "sgd",
        "schedule": "plateau",
        "learning_rate": 1e-4,  # so that P@1 does not get better
        "margin": 0,  # so that not every tag is a violator, which would hold the rate
        "epochs": 5,
    }
    whole = train.train(make_config(dataset, tmp_path / "whole", **options))
    rates = [line.rsplit(",", 1)[1] for line in whole.history.read_text().splitlines()[1:]]
    assert rates[0] == "0.0001"
    assert float(rates[-1]) < 0.00005
    workdir = interrupted(3 * STEPS + 7, **options)
    train.train(make_config(dataset, workdir.path, **options))
    assert_same_run(whole, workdir)


@pytest.mark.slow
def test_early_stopping_counts_the_epochs_before_an_interruption(dataset, interrupted, capsys):
    options = {"epochs": 6, "early_stopping": 2, "learning_rate": 1e-12}
    workdir = interrupted(STEPS + 3, **options)
    config = make_config(dataset, workdir.path, **options)
    train.main(config)
    said = capsys.readouterr().out
    assert "stopping after epoch 3: no better validation R@10 since epoch 1\n" in said
    assert f"wrote {workdir.path}: best epoch 1 of 6" in said
    assert len(workdir.history.read_text().splitlines()) == 1 + 3
    before = workdir.history.stat().st_mtime_ns
    train.train(config)
    assert workdir.history.stat().st_mtime_ns == before
    assert not Run(make_config(dataset, workdir.path, **{**options, "early_stopping": 3})).is_over


def test_other_number_of_posts(dataset, tmp_path, interrupted):
    workdir = interrupted(5)
    other = tmp_path / "dataset"
    other.symlink_to(dataset)
    Run(make_config(other, workdir.path))
    smaller = Manifest.load(dataset)
    smaller.splits["train"]["posts"] = 500
    (tmp_path / "smaller").mkdir()
    smaller.save(tmp_path / "smaller")
    for name in ("train", "validation", "vocabulary.tsv"):
        (tmp_path / "smaller" / name).symlink_to(dataset / name)
    message = "smaller has other posts than .* was started on: give the dataset of that run"
    with pytest.raises(UserError, match=message):
        Run(make_config(tmp_path / "smaller", workdir.path))
