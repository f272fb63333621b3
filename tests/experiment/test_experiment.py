"""An experiment from its specification to its tables; the runs themselves are stood in for."""

import fcntl
import json
import os
import re
from pathlib import Path

import pytest
from experiment_helpers import write_manifest, write_run, write_spec

from tagkeras.cli.errors import UserError
from tagkeras.experiment import make_runs
from tagkeras.experiment.experiment import run_experiment
from tagkeras.experiment.experiment_folder import ExperimentFolder
from tagkeras.experiment.spec import read_spec

PROGRAM = str(Path(__file__).with_name("fake_run.py"))
NAMES = ("natural", "balanced")
GRID = [{"model": "bilinear", "embedding_dim": [8]}, {"model": "user_biased", "embedding_dim": [8]}]
RUNS = [f"{dataset}/{model}-d8-seed0" for dataset in NAMES for model in ("bilinear", "user_biased")]

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    template = tmp_path / "template"
    for name in NAMES:
        write_manifest(tmp_path / name, test=4, distribution=name)
        hits = [[1, 0], [0, 0], [0, 1], [1, 1]]
        write_run(template / name, hits, users="abac", fingerprint=name, distribution=name)

    def commands_of(folder, spec, run, *, baselines):
        workdir, evaluation = (str(folder.path / path) for path in (run.workdir, run.evaluation))
        flags = ["with-baselines"] if baselines else []
        return [
            [PROGRAM, "train", str(template), run.path, workdir],
            [PROGRAM, "evaluate", str(template), run.path, evaluation, *flags],
        ]

    monkeypatch.setattr(make_runs, "commands_of", commands_of)
    return tmp_path


def write_sections(folder, **sections):
    spec = {"seeds": [0], "grid": GRID, **sections}
    return write_spec(folder / "spec.yaml", {name: folder / name for name in NAMES}, **spec)


def run(folder, datasets=(), **sections):
    return run_experiment(str(write_sections(folder, **sections)), str(folder / "out"), 1, datasets)


def calls(folder):
    return (folder / "template" / "calls").read_text().splitlines()


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_runs_tables_and_findings(folder, capfd):
    tables = run(folder)
    assert calls(folder) == [f"{step} {name}" for name in RUNS for step in ("train", "evaluate")]
    said = capfd.readouterr().err
    assert re.search(
        r"^natural/bilinear-d8-seed0 \(\d+ s\): P@1 50.0%, R@2 50.0%, A@2 50.0%$", said, re.M
    )
    out = folder / "out"
    assert [name for name in files_in(out) if not name.startswith(("runs", "evaluations"))] == [
        "experiment.json",
        "findings.json",
        "findings.md",
        *sorted(f"logs/{name}.log" for name in RUNS),
        "results.csv",
        *(f"tables/{name}.{suffix}" for name in sorted(NAMES) for suffix in ("csv", "md", "tex")),
    ]
    assert list(tables) == list(NAMES)
    assert (out / "tables" / "natural.md").read_text() == tables["natural"]
    assert "| bilinear | 8 |  | 50.00% [" in tables["natural"]
    lines = (out / "results.csv").read_text().splitlines()
    assert lines[0] == "dataset,ranked_by,embedding_dim,rank,seed,metric,value,low,high"
    assert lines[1] == "natural,bilinear,8,,0,P@1,0.500000,0.400000,0.600000"
    assert len(lines) == 1 + 4 * (2 * 3 + 2)
    content = json.loads((out / "experiment.json").read_text())
    assert content["datasets"]["natural"]["path"] == str(folder / "natural")
    assert content["datasets"]["balanced"]["distribution"] == "balanced"
    assert content["runs"][1] == {
        "name": "user_biased-d8-seed0",
        "dataset": "natural",
        "model": "user_biased",
        "embedding_dim": 8,
        "rank": None,
        "seed": 0,
        "workdir": "runs/natural/user_biased-d8-seed0",
        "evaluation": "evaluations/natural/user_biased-d8-seed0",
    }


def test_again_nothing_is_made_but_the_tables(folder):
    run(folder)
    before = calls(folder)
    text = (folder / "out" / "findings.json").read_text()
    (folder / "out" / "tables" / "natural.md").unlink()
    run(folder)
    assert calls(folder) == before
    assert (folder / "out" / "tables" / "natural.md").exists()
    assert (folder / "out" / "findings.json").read_text() == text


def test_a_run_that_fails_ends_no_other_and_is_named(folder, capfd):
    failing = folder / "template" / "fail-natural-user_biased-d8-seed0"
    failing.touch()
    with pytest.raises(
        UserError,
        match=r"^natural/user_biased-d8-seed0 of 4 runs failed, see .*/out/logs/natural/"
        r"user_biased-d8-seed0.log; no tables were written: ",
    ):
        run(folder)
    said = capfd.readouterr().err
    assert re.search(r"user_biased-d8-seed0 \(\d+ s\): failed with exit status 1, the end", said)
    assert "\n  no luck today\n" in said
    assert len([line for line in calls(folder) if line.startswith("evaluate")]) == 3
    assert not (folder / "out" / "tables").exists()
    assert not (folder / "out" / "findings.md").exists()
    failing.unlink()
    run(folder)
    # Only the one that failed again.
    assert calls(folder)[7:] == [
        "train natural/user_biased-d8-seed0",
        "evaluate natural/user_biased-d8-seed0",
    ]
    assert (folder / "out" / "tables" / "natural.md").exists()


def test_seeds_rows_and_datasets_may_be_added(folder):
    write_spec(folder / "first.yaml", {"natural": folder / "natural"}, grid=GRID[:1], seeds=[0])
    first = run_experiment(str(folder / "first.yaml"), str(folder / "out"))
    assert list(first) == ["natural"]
    done = len(calls(folder))
    run(folder, seeds=[0, 1])
    assert len(calls(folder)) == 2 * 2 * 4
    assert "train natural/bilinear-d8-seed0" not in calls(folder)[done:]
    assert "2 seeds" in (folder / "out" / "findings.md").read_text()


def test_old_tables_do_not_stand_beside_a_run_that_fails(folder):
    run(folder)
    (folder / "template" / "fail-natural-bilinear-d8-seed1").touch()
    with pytest.raises(UserError, match="seed1 of 8 runs failed"):
        run(folder, seeds=[0, 1])
    for name in ("tables", "results.csv", "findings.json", "findings.md"):
        assert not (folder / "out" / name).exists()


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"train": {"epochs": 3}}, r"train.epochs=2 \(now 3\)"),
        ({"train": {}}, r"train.epochs=2 \(now \(none\)\)"),
        ({"evaluate": {"ks": [1, 2]}}, r"evaluate.ks=\(none\) \(now 1,2\)"),
        ({"split": "validation"}, r"split=test \(now validation\)"),
        (
            {"seeds": [1]},
            r"runs.natural/bilinear-d8-seed0=made \(now \(none\)\), .* and 1 more: give",
        ),
        ({"grid": GRID[:1]}, r"runs.natural/user_biased-d8-seed0=made \(now \(none\)\)"),
        ({"datasets": ["natural"]}, r"datasets.balanced.fingerprint=\w+ \(now \(none\)\)"),
        ({"datasets": ["natural", "other"]}, r"datasets.balanced.fingerprint=\w+ \(now \w+\)"),
    ],
)
def test_a_changed_specification_is_refused(folder, sections, message):
    out = ExperimentFolder(folder / "out")
    out.prepare(read_spec(write_sections(folder, train={"epochs": 2})))
    text = (folder / "out" / "experiment.json").read_text()
    sections = {"train": {"epochs": 2}, **sections}
    write_manifest(folder / "other", num_tags=5)
    folders = sections.pop("datasets", NAMES)
    write_spec(
        folder / "spec.yaml",
        {name: folder / path for name, path in zip(NAMES, folders, strict=False)},
        **{"seeds": [0], "grid": GRID, **sections},
    )
    with pytest.raises(UserError, match=f"out was started with {message}"):
        out.prepare(read_spec(folder / "spec.yaml"))
    assert files_in(folder / "out") == ["experiment.json"]
    assert (folder / "out" / "experiment.json").read_text() == text


def test_another_oracle_is_refused(folder):
    oracle = folder / "oracle.parquet"
    datasets = {"natural": {"path": str(folder / "natural"), "oracle": str(oracle)}}
    spec = write_spec(folder / "spec.yaml", datasets, grid=GRID)
    oracle.write_text("one")
    out = ExperimentFolder(folder / "out")
    out.prepare(read_spec(spec))
    oracle.write_text("other")
    with pytest.raises(UserError, match=r"datasets.natural.oracle_sha256=\w+ \(now \w+\)"):
        out.prepare(read_spec(spec))


def test_a_dataset_that_was_moved_is_the_same(folder):
    run(folder)
    done = calls(folder)
    (folder / "natural").rename(folder / "moved")
    run(folder, datasets=(f"natural={folder / 'moved'}",))
    assert calls(folder) == done
    content = json.loads((folder / "out" / "experiment.json").read_text())
    assert content["datasets"]["natural"]["path"] == str(folder / "moved")


def test_folders_of_something_else(folder):
    (folder / "out").mkdir()
    (folder / "out" / "thesis.txt").touch()
    with pytest.raises(UserError, match="out holds other files and no experiment.json"):
        run(folder)
    (folder / "out" / "thesis.txt").unlink()
    (folder / "out" / "experiment.json").write_text("{")
    with pytest.raises(UserError, match="experiment.json is damaged"):
        run(folder)


def test_one_experiment_at_a_time_in_a_folder(folder):
    (folder / "out").mkdir()
    descriptor = os.open(folder / "out", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(UserError, match="another experiment is running in .*out: wait"):
            run(folder)
    finally:
        os.close(descriptor)
    run(folder)


def test_baselines_are_evaluated_once_for_each_dataset(folder, monkeypatch):
    run(folder)
    logs = {name: (folder / "out" / "logs" / f"{name}.log").read_text() for name in RUNS}
    with_baselines = [name for name, text in logs.items() if "with-baselines" in text]
    assert with_baselines == ["natural/bilinear-d8-seed0", "balanced/bilinear-d8-seed0"]


def test_a_finished_run_that_has_baselines_is_enough(folder):
    hits = [[1, 0], [0, 0], [0, 1], [1, 1]]
    for name in NAMES:
        baselines = {"frequency_baseline": hits}
        write_run(
            folder / "template" / name,
            hits,
            users="abac",
            fingerprint=name,
            distribution=name,
            baselines=baselines,
        )
    run(folder)
    run(folder, seeds=[0, 1])
    logs = (folder / "out" / "logs").glob("*/*seed1.log")
    assert not any("with-baselines" in log.read_text() for log in logs)
    assert "| frequency baseline |" in (folder / "out" / "tables" / "natural.md").read_text()


def test_leftovers_of_a_killed_evaluation_are_removed(folder):
    failing = folder / "template" / f"fail-{RUNS[0].replace('/', '-')}"
    failing.touch()
    with pytest.raises(UserError):
        run(folder)
    left = folder / "out" / "evaluations" / RUNS[0] / ".0123abcd.tmp"
    left.mkdir(parents=True)
    failing.unlink()
    run(folder)
    assert (left.parent / "metrics.json").exists()
    assert not left.exists()
