import json
import shutil

import pytest
from evaluated_runs import SECTIONS, make_page, write_experiment, write_runs

from tagkeras.cli.errors import UserError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("undrawn")]


def test_evaluations_are_used_again(world, tmp_path):
    shutil.copytree(world / "eval" / "bilinear", tmp_path / "evaluations" / "bilinear")
    path = tmp_path / "evaluations" / "bilinear" / "metrics.json"
    before = path.stat().st_mtime_ns
    run = f"--run={world / 'runs' / 'bilinear'}"
    make_page(run, f"--output={tmp_path}")
    assert path.stat().st_mtime_ns == before
    values = json.loads(path.read_text())
    # The same epoch of another training: other weights.
    identity = {**values["identity"], "weights": "0" * 16}
    path.write_text(json.dumps({**values, "identity": identity}))
    make_page(run, f"--output={tmp_path}")
    assert json.loads(path.read_text())["identity"] == values["identity"]
    assert path.stat().st_mtime_ns != before


def test_a_single_run_says_what_is_missing(world, tmp_path):
    page = make_page(f"--run={world / 'runs' / 'bilinear'}", f"--output={tmp_path}", "--tags=tag1")
    found = [i for i in page.ids if i in (*SECTIONS, "left-out")]
    assert found == ["results", "training", "tags", "vocabulary", "groups", "data", "left-out"]
    for words in (
        "add --posts=POSTS.jsonl",
        "it takes a run with --model=multiplicative",
        "only multiplicative runs have user vectors",
        "it compares a bilinear with a multiplicative run",
    ):
        assert words in page.words


def test_folders_of_evaluations(world, tmp_path):
    """Without workdirs at hand there is what the evaluations alone tell."""
    for model in ("bilinear", "multiplicative"):
        shutil.copytree(world / "eval" / model, tmp_path / model)
        path = tmp_path / model / "metrics.json"
        values = json.loads(path.read_text())
        path.write_text(json.dumps({**values, "workdir": str(tmp_path / "gone")}))
    compare = f"--compare={tmp_path / 'multiplicative'}"
    page = make_page(f"--run={tmp_path / 'bilinear'}", f"--output={tmp_path / 'out'}", compare)
    assert "the workdirs of the runs, which hold history.csv, are not there" in page.words
    assert "gone is not there" in page.words
    assert "results" in page.ids
    assert "training" not in page.ids
    assert not (tmp_path / "out" / "evaluations").exists()


def test_an_experiment_beside_the_paper(world, tmp_path):
    texts = {
        "claim": "The <b>multiplicative</b> model beats the bilinear one",
        "text": "R@10 +1.2 points",
    }
    findings = [
        {"name": "gain", "verdict": "contrary", "datasets": ["natural"], **texts},
        {"name": "gain2", "verdict": "seen", "datasets": ["natural"], **texts},
    ]
    folder = write_experiment(tmp_path, world, findings)
    page = make_page(f"--run={folder}", f"--output={tmp_path / 'report'}")
    assert "paper" in page.ids
    assert "✗ contrary" in page.words
    assert (
        "Of 2 claims of the paper that the experiment looks at: 1 seen and 1 contrary."
        in page.words
    )
    assert "<b>multiplicative" not in page.source
    assert "13.81" not in page.words  # one decimal, as everywhere
    assert "13.8" in page.words
    ours = json.loads((world / "eval" / "bilinear" / "metrics.json").read_text())
    low, high = ours["intervals"]["model"]["R@10"]
    cell = f"{100 * ours['R@10']:.1f}{100 * low:.1f}\N{EN DASH}{100 * high:.1f}"
    assert cell in page.words.replace(" ", "")


def test_an_experiment_without_its_tables(world, tmp_path):
    folder = write_experiment(tmp_path, world, [])
    (folder / "tables" / "natural.csv").unlink()
    with pytest.raises(UserError, match="natural.csv: No such file .* to its end"):
        make_page(f"--run={folder}", f"--output={tmp_path / 'report'}")


def test_natural_beside_balanced(world, tmp_path):
    balanced = write_runs(tmp_path / "balanced", models=("bilinear",), removed=0.3)
    page = make_page(
        f"--run={world / 'eval' / 'bilinear'}", f"--output={tmp_path / 'out'}",
        "--compare", balanced / "eval" / "bilinear",
    )  # fmt: skip
    assert "Natural posts" in page.words
    assert "Balanced posts" in page.words
    assert len(page.ids) == len(set(page.ids))
    assert (tmp_path / "out" / "figures" / "variety.png").exists()


def test_workdirs_of_the_same_name(world, tmp_path):
    other = tmp_path / "other" / "bilinear"
    shutil.copytree(world / "runs" / "bilinear", other)
    page = make_page(
        f"--run={world / 'runs' / 'bilinear'}", f"--output={tmp_path / 'out'}", "--compare", other
    )  # fmt: skip
    names = {path.name for path in (tmp_path / "out" / "evaluations").iterdir()}
    assert names == {"bilinear", "other-bilinear"}
    assert "bilinear (other-bilinear)" in page.words
