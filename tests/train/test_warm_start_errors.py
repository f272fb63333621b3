"""Earlier runs that a run cannot start from."""

import shutil

import pytest
from random_runs import make_dataset, make_run, make_settings, start

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.train.warm_start import check_warm_start
from tagkeras.train.workdir import Workdir


@pytest.mark.parametrize(
    ("settings", "changes", "tags", "message"),
    [
        ({"model": "bilinear"}, {}, "ab", r"with --model=multiplicative \(now bilinear\): give"),
        ({"embedding_dim": 5, "rank": 6}, {}, "ab", r"embedding_dim=4 \(now 5\), --rank=5 \(now 6"),
        ({"user_hidden": 2}, {}, "ab", r"with --user_hidden=3 \(now 2\)"),
        ({}, {"descriptor_size": 8}, "ab", "other image descriptors than this dataset"),
        ({}, {"cnn": {"weights_sha256": "0"}}, "ab", r"image descriptors \(another CNN\)"),
        (
            {},
            {"user_descriptor": {"countries": ["GB"], "location_decimals": 1, "size": 6}},
            "ab",
            "other user descriptors",
        ),
        ({}, {}, "xy", "knows none of the tags of this dataset"),
    ],
)
def test_what_does_not_fit(tmp_path, settings, changes, tags, message):
    workdir, _ = make_run(tmp_path, make_settings())
    dataset = make_dataset(tmp_path / "dataset", tags, **changes)
    with pytest.raises(UserError, match=message):
        check_warm_start(
            workdir,
            settings=make_settings(**settings),
            manifest=Manifest.load(dataset),
            vocabulary=Vocabulary.load(dataset / "vocabulary.tsv"),
        )


def test_a_run_that_is_none_or_has_no_epoch_yet(tmp_path):
    workdir, _ = make_run(tmp_path, make_settings())
    with pytest.raises(UserError, match="nowhere is no workdir of tagkeras.train"):
        start(tmp_path, Workdir(tmp_path / "nowhere"), make_settings())
    shutil.rmtree(workdir.best)
    shutil.rmtree(tmp_path / "dataset")
    with pytest.raises(UserError, match="has no checkpoint yet: run tagkeras.train"):
        start(tmp_path, workdir, make_settings())


def test_a_damaged_checkpoint(tmp_path):
    workdir, _ = make_run(tmp_path, make_settings())
    (path,) = workdir.checkpoints.glob("*/variables.data-*")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UserError, match="checkpoints/step-0 cannot be read"):
        start(tmp_path, workdir, make_settings())
