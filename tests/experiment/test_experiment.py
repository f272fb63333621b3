"""An experiment from its specification to its tables, with stand-ins for trainings."""

import fcntl
import json
import os
import re

import pytest
from experiment_helpers import write_manifest, write_run, write_spec

from tagkeras.cli.errors import UserError
from tagkeras.experiment import make_runs
from tagkeras.experiment.experiment import prepare_folder, run_experiment
from tagkeras.experiment.spec import read_spec

NAMES = ("natural", "balanced")
GRID = [{"model": "bilinear", "embedding_dim": [8]}, {"model": "user_biased", "embedding_dim": [8]}]
RUNS = [f"{dataset}/{model}-d8-seed0" for dataset in NAMES for model in ("bilinear", "user_biased")]
HITS = [[1, 0], [0, 0], [0, 1], [1, 1]]
# Appends to TEMPLATE/calls, and trains unless TEMPLATE/fail has the run, or copies an evaluation.
FAKE_RUN = """
import pathlib, shutil, sys
step, template, run, folder = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
with (template / "calls").open("a") as calls:
    print(step, run, *sys.argv[5:], file=calls)
if step == "evaluate":
    shutil.copytree(template / run.split("/")[0], folder)
elif run in (template / "fail").read_text().split():
    sys.exit("no luck today")
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    template = tmp_path / "template"
    for name in NAMES:
        write_manifest(tmp_path / name, test=4, distribution=name)
        options = {"users": "abac", "fingerprint": name, "distribution": name}
        write_run(template / name, HITS, baselines={"frequency_baseline": HITS}, **options)
    (template / "fail").touch()

    def commands_of(folder, spec, run, *, baselines):
        evaluation = str(folder / run.evaluation)
        flags = ["with-baselines"] if baselines else []
        fake = ["-c", FAKE_RUN]
        return [
            [*fake, "train", str(template), run.path, ""],
            [*fake, "evaluate", str(template), run.path, evaluation, *flags],
        ]

    monkeypatch.setattr(make_runs, "commands_of", commands_of)
    return tmp_path


def write_sections(folder, names=NAMES, folders=NAMES, **sections):
    datasets = {name: folder / path for name, path in zip(names, folders, strict=True)}
    return write_spec(folder / "spec.yaml", datasets, **{"seeds": [0], "grid": GRID, **sections})


def run(folder, **sections):
    spec = read_spec(write_sections(folder, **sections))
    return run_experiment(spec, folder / "out", parallel=1)


def calls(folder):
    lines = (folder / "template" / "calls").read_text().splitlines()
    return [" ".join(line.split()[:2]) for line in lines]


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_runs_tables_and_findings(folder, capfd):
    tables = run(folder)
    assert calls(folder) == [f"{step} {name}" for name in RUNS for step in ("train", "evaluate")]
    printed = capfd.readouterr().err
    metrics = "P@1 50.0%, R@2 50.0%, A@2 50.0%"
    assert re.search(rf"^natural/bilinear-d8-seed0 \(\d+ s\): {metrics}$", printed, re.M)
    out = folder / "out"
    assert [name for name in files_in(out) if not name.startswith("evaluations")] == [
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
    assert "| frequency baseline |" in tables["natural"]
    lines = (out / "results.csv").read_text().splitlines()
    assert lines[0] == "dataset,ranked_by,embedding_dim,rank,seed,metric,value,low,high"
    assert lines[1] == "natural,bilinear,8,,0,P@1,0.500000,0.400000,0.600000"
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


def test_a_repeated_experiment_makes_no_runs(folder):
    first, before = run(folder), calls(folder)
    (folder / "natural").rename(folder / "moved")
    assert run(folder, folders=("moved", "balanced")) == first
    assert calls(folder) == before
    content = json.loads((folder / "out" / "experiment.json").read_text())
    assert content["datasets"]["natural"]["path"] == str(folder / "moved")


def test_a_failed_run_stops_no_other_and_is_repeated(folder, capfd):
    run(folder)
    done = len(calls(folder))
    (folder / "template" / "fail").write_text("natural/bilinear-d8-seed1")
    log = "/out/logs/natural/bilinear-d8-seed1.log; no tables were written: "
    with pytest.raises(
        UserError, match=f"^natural/bilinear-d8-seed1 of 8 runs failed, see .*{log}"
    ):
        run(folder, seeds=[0, 1])
    printed = capfd.readouterr().err
    assert re.search(r"bilinear-d8-seed1 \(\d+ s\): failed with exit status 1, the end", printed)
    assert "\n  no luck today\n" in printed
    assert [name.split()[0] for name in calls(folder)[done:]].count("evaluate") == 3
    # What is there of fewer runs would be taken for the results.
    for name in ("tables", "results.csv", "findings.json", "findings.md"):
        assert not (folder / "out" / name).exists()
    (folder / "template" / "fail").write_text("")
    done, left = len(calls(folder)), folder / "out/evaluations/natural/bilinear-d8-seed1/.1.tmp"
    left.mkdir(parents=True)  # as a killed evaluation leaves it
    run(folder, seeds=[0, 1])
    assert calls(folder)[done:] == [f"{x} natural/bilinear-d8-seed1" for x in ("train", "evaluate")]
    assert (left.parent / "metrics.json").exists()
    assert not left.exists()
    assert "2 seeds" in (folder / "out" / "findings.md").read_text()


def test_datasets_and_rows_may_be_added(folder):
    assert list(run(folder, names=NAMES[:1], folders=NAMES[:1], grid=GRID[:1])) == ["natural"]
    assert list(run(folder)) == list(NAMES)
    assert sorted(calls(folder)) == sorted(f"{x} {n}" for n in RUNS for x in ("train", "evaluate"))


def test_baselines_are_evaluated_once_for_each_dataset(folder):
    run(folder)
    run(folder, seeds=[0, 1])
    lines = (folder / "template" / "calls").read_text().splitlines()
    with_baselines = [line.split()[1] for line in lines if line.endswith("with-baselines")]
    assert with_baselines == ["natural/bilinear-d8-seed0", "balanced/bilinear-d8-seed0"]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"train": {"epochs": 3}}, r"train.epochs=2 \(now 3\)"),
        ({"train": {}}, r"train.epochs=2 \(now \(none\)\)"),
        ({"evaluate": {"ks": [1, 2]}}, r"evaluate.ks=\(none\) \(now 1,2\)"),
        ({"split": "validation"}, r"split=test \(now validation\)"),
        ({"seeds": [1]}, r"runs.natural/bilinear-d8-seed0=made \(now \(none\)\), .* and 1 more"),
        ({"grid": GRID[:1]}, r"runs.natural/user_biased-d8-seed0=made \(now \(none\)\)"),
        ({"names": ["natural"], "folders": ["natural"]}, r"datasets.balanced.fingerprint=\w+ \("),
        ({"folders": ["natural", "other"]}, r"datasets.balanced.fingerprint=\w+ \(now \w+\)"),
    ],
)
def test_a_changed_specification_is_refused(folder, sections, message):
    out = folder / "out"
    prepare_folder(out, read_spec(write_sections(folder, train={"epochs": 2})))
    text = (out / "experiment.json").read_text()
    write_manifest(folder / "other", num_tags=5)
    spec = read_spec(write_sections(folder, **{"train": {"epochs": 2}, **sections}))
    with pytest.raises(UserError, match=f"out was started with {message}"):
        prepare_folder(out, spec)
    assert (out / "experiment.json").read_text() == text


def test_another_oracle_is_refused(folder):
    oracle = folder / "oracle.parquet"
    datasets = {"natural": {"path": str(folder / "natural"), "oracle": str(oracle)}}
    spec = write_spec(folder / "spec.yaml", datasets, grid=GRID)
    oracle.write_text("one")
    out = folder / "out"
    prepare_folder(out, read_spec(spec))
    oracle.write_text("other")
    with pytest.raises(UserError, match=r"datasets.natural.oracle_sha256=\w+ \(now \w+\)"):
        prepare_folder(out, read_spec(spec))


def test_folders_of_something_else(folder):
    (folder / "out").mkdir()
    (folder / "out" / "thesis.txt").touch()
    with pytest.raises(UserError, match="out holds other files and no experiment.json"):
        run(folder)
    (folder / "out" / "experiment.json").write_text("{")
    with pytest.raises(UserError, match="experiment.json is damaged"):
        run(folder)


def test_one_experiment_at_a_time_in_a_folder(folder):
    (folder / "out").mkdir()
    descriptor = os.open(folder / "out", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(UserError, match="another experiment is running in .*out: wait"):
        run(folder)
    os.close(descriptor)
