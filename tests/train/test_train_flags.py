"""Ways to train that are chosen by flags: by threads, from an earlier run, and what is refused."""

import numpy as np
import pytest
from tiny_dataset import write_dataset

from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError
from tagkeras.train import __main__ as train
from tagkeras.train.restore import restore_model


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("flags") / "dataset", posts=300)


def make_config(dataset, workdir, **options):
    options = {"batch_size": 50, "epochs": 2, "rank": 8, "embedding_dim": 8, **options}
    flags = [f"--{name}={value}" for name, value in options.items()]
    return commandline.parse(train.Config, [f"--data={dataset}", f"--workdir={workdir}", *flags])


@pytest.mark.slow
def test_threads_train_and_go_on(dataset, tmp_path, capsys):
    options = {"hogwild_threads": 2, "batch_size": 10}
    train.train(make_config(dataset, tmp_path / "run", **options))
    workdir = train.train(make_config(dataset, tmp_path / "run", **options, epochs=4))
    assert "going on in" in capsys.readouterr().out
    lines = workdir.history.read_text().splitlines()
    assert len(lines) == 1 + 4
    # A random ten has half of the tags, and a truth holds some that nobody can predict.
    assert workdir.best_epoch()["val_R@10"] > 0.55


def test_start_from_an_earlier_run(dataset, tmp_path, capsys):
    earlier = train.train(make_config(dataset, tmp_path / "earlier"))
    more = write_dataset(tmp_path / "more", posts=300, num_tags=25)
    options = {"warm_start": earlier.path, "learning_rate": 1e-9, "epochs": 1}
    config = make_config(more, tmp_path / "later", **options)
    later = train.train(config)
    assert "20 tags known, 5 new" in capsys.readouterr().out
    before, after = restore_model(earlier), restore_model(later)
    rows = dict(zip(later.vocabulary().tags, after.tag_table.numpy(), strict=True))
    for tag, row in zip(earlier.vocabulary().tags, before.tag_table.numpy(), strict=True):
        np.testing.assert_allclose(rows[tag], row, atol=1e-6)
    train.train(config)  # finished: it does not start again
    assert "tags known" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hogwild_threads": 2}, "--strategy=mirrored and --hogwild_threads=2"),
        ({"jit_compile": True}, "--strategy=mirrored and --jit_compile"),
        ({"cache": "device"}, "--strategy=mirrored and --cache=device"),
        ({"precision": "mixed_float16"}, "--strategy=mirrored and --precision=mixed_float16"),
    ],
)
def test_flags_that_do_not_go_together(dataset, tmp_path, options, message):
    config = make_config(dataset, tmp_path / "run", strategy="mirrored", **options)
    with pytest.raises(UserError, match=f"{message} do not go together: leave one out"):
        train.train(config)
    assert not (tmp_path / "run").exists()


def test_earlier_run_that_is_none(dataset, tmp_path):
    config = make_config(dataset, tmp_path / "run", warm_start=tmp_path / "nowhere")
    with pytest.raises(UserError, match="nowhere is no workdir of tagkeras.train"):
        train.train(config)
    assert not (tmp_path / "run").exists()
