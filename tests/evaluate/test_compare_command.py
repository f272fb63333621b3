"""tagkeras.compare as people run it."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from handmade_evaluations import make_posts, write_evaluation

from tagkeras import compare
from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError
from tagkeras.evaluate.comparison import compare as compare_evaluations
from tagkeras.evaluate.evaluation import Evaluation


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two runs on the same posts, one of them with more hits."""
    folder, rng = tmp_path_factory.mktemp("compare"), np.random.default_rng(0)
    users, num_truth = rng.integers(60, size=120), rng.integers(1, 4, size=120)
    hits = rng.random((120, 3)) < 0.2
    better = hits | (rng.random((120, 3)) < 0.2)
    write_evaluation(folder / "first", make_posts(hits, num_truth, users), ks=[1, 3])
    write_evaluation(folder / "second", make_posts(better, num_truth, users), ks=[1, 3])
    return folder


def config(*folders, **options):
    flags = [f"--{name}={value}" for name, value in options.items()]
    return commandline.parse(compare.Config, [*map(str, folders), *flags])


@pytest.mark.slow
def test_a_real_command(folders):
    command = [sys.executable, "-m", "tagkeras.compare", "first", "second", "--seed=3"]
    root = Path(compare.__file__).parents[1]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folders,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), "COLUMNS": "100"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert lines[:3] == ["120 posts of the test split", "first:  first", "second: second"]
    assert lines[3].split()[:3] == ["first", "second", "difference"]
    found = compare_evaluations(
        *(Evaluation.load(folders / name) for name in ("first", "second")), seed=3
    )
    rows = {line.split()[0]: line.split()[1:] for line in lines[5:] if "@" in line}
    assert list(rows) == list(found)
    for name, difference in found.items():
        assert rows[name] == [
            f"{100 * difference.first:.2f}%",
            f"{100 * difference.second:.2f}%",
            f"{100 * difference.difference:+.2f}",
            f"{100 * difference.low:+.2f}",
            "to",
            f"{100 * difference.high:+.2f}",
            f"{difference.p_value:.4f}",
        ]


def test_json(folders, capsys):
    compare.main(config(folders / "first", folders / "second", json="true", bootstrap_samples=200))
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [f"{s}@{k}" for s in ("P", "R", "A", "nDCG", "MRR") for k in (1, 3)]
    first, second = (Evaluation.load(folders / name) for name in ("first", "second"))
    expected = compare_evaluations(first, second, samples=200)
    assert found == {name: dataclasses.asdict(row) for name, row in expected.items()}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["first"], "give two folders of tagkeras.evaluate, not 1"),
        (["first", "nowhere"], "nowhere was not written by tagkeras.evaluate: metrics.json"),
    ],
)
def test_bad_input_is_one_line(folders, capsys, names, message):
    with pytest.raises(UserError, match=message) as error:
        compare.main(config(*(folders / name for name in names)))
    assert "\n" not in str(error.value)
    assert capsys.readouterr().out == ""
