"""What `--run` and `--compare` may be, and what is said of the rest."""

import json
import shutil

import pytest
from evaluated_runs import (
    SECTIONS,
    evaluate_run,
    hash_post_ids,
    make_page,
    write_experiment,
    write_posts,
    write_runs,
)

from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError
from tagkeras.report.config import Config
from tagkeras.report.page import write_report

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("undrawn")]


@pytest.fixture
def refused(tmp_path):
    """Makes a report that is refused, and gives the message."""

    def refuse(*argv):
        output = tmp_path / "out"
        with pytest.raises(UserError) as caught:
            write_report(commandline.parse(Config, [*map(str, argv), f"--output={output}"]))
        text = str(caught.value)
        assert "\n" not in text
        assert not (output / "report.html").exists()
        return text

    return refuse


def change_json(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


class TestWorkdirs:
    def test_evaluations_are_used_again(self, world, tmp_path):
        shutil.copytree(world / "eval" / "bilinear", tmp_path / "evaluations" / "bilinear")
        path = tmp_path / "evaluations" / "bilinear" / "metrics.json"
        before = path.stat().st_mtime_ns
        run = f"--run={world / 'runs' / 'bilinear'}"
        make_page(run, f"--output={tmp_path}")
        assert path.stat().st_mtime_ns == before
        # The same epoch of another training: other weights.
        identity = json.loads(path.read_text())["identity"]
        change_json(path, identity={**identity, "weights": "0" * 16})
        make_page(run, f"--output={tmp_path}")
        assert json.loads(path.read_text())["identity"] == identity
        assert path.stat().st_mtime_ns != before

    def test_a_single_run_says_what_is_missing(self, world, tmp_path):
        run = f"--run={world / 'runs' / 'bilinear'}"
        page = make_page(run, f"--output={tmp_path}", "--tags=tag1")
        found = [i for i in page.ids if i in (*SECTIONS, "left-out")]
        assert found == ["results", "training", "tags", "vocabulary", "groups", "data", "left-out"]
        for words in (
            "add --posts=POSTS.jsonl",
            "it takes a run with --model=multiplicative",
            "it compares a bilinear with a multiplicative run",
        ):
            assert words in page.words

    def test_workdirs_of_the_same_name(self, world, tmp_path):
        other = tmp_path / "other" / "bilinear"
        shutil.copytree(world / "runs" / "bilinear", other)
        run = f"--run={world / 'runs' / 'bilinear'}"
        page = make_page(run, f"--output={tmp_path / 'out'}", "--compare", other)
        names = {path.name for path in (tmp_path / "out" / "evaluations").iterdir()}
        assert names == {"bilinear", "other-bilinear"}
        assert "bilinear (other-bilinear)" in page.words

    def test_workdirs_that_cannot_be_evaluated(self, world, tmp_path, refused):
        workdir = tmp_path / "run"
        shutil.copytree(world / "runs" / "bilinear", workdir)
        change_json(workdir / "config.json", data=str(tmp_path / "gone"))
        assert "which is not there: give --data=DATASET" in refused(f"--run={workdir}")
        shutil.rmtree(workdir / "best")
        data = f"--data={world / 'dataset'}"
        assert "has no checkpoint yet" in refused(f"--run={workdir}", data)


class TestEvaluations:
    def test_without_workdirs_there_is_what_the_evaluations_alone_say(self, world, tmp_path):
        for model in ("bilinear", "multiplicative"):
            shutil.copytree(world / "eval" / model, tmp_path / model)
            change_json(tmp_path / model / "metrics.json", workdir=str(tmp_path / "gone"))
        compare = f"--compare={tmp_path / 'multiplicative'}"
        page = make_page(f"--run={tmp_path / 'bilinear'}", f"--output={tmp_path / 'out'}", compare)
        assert "the workdirs of the runs, which hold history.csv, are not there" in page.words
        assert "gone is not there" in page.words
        assert "results" in page.ids
        assert "training" not in page.ids
        assert not (tmp_path / "out" / "evaluations").exists()

    def test_natural_beside_balanced(self, world, tmp_path):
        balanced = write_runs(tmp_path / "balanced", models=("bilinear",), removed=0.3)
        run = f"--run={world / 'eval' / 'bilinear'}"
        compare = f"--compare={balanced / 'eval' / 'bilinear'}"
        page = make_page(run, f"--output={tmp_path / 'out'}", compare)
        assert "Natural posts" in page.words
        assert "Balanced posts" in page.words
        assert "Three groups of hashtags, balanced" in page.words
        assert len(page.ids) == len(set(page.ids))
        assert (tmp_path / "out" / "figures" / "variety.png").exists()

    def test_hashed_post_ids_have_no_photos(self, world, tmp_path):
        """No error: a page without photos that says why."""
        dataset, folder = tmp_path / "dataset", tmp_path / "eval"
        shutil.copytree(world / "dataset", dataset)
        hash_post_ids(dataset)
        shutil.copytree(world / "eval" / "bilinear", folder)
        described = json.loads((folder / "metrics.json").read_text())["dataset"]
        change_json(folder / "metrics.json", dataset={**described, "path": str(dataset)})
        posts = write_posts(tmp_path / "posts.jsonl", ["other"])
        page = make_page(f"--run={folder}", f"--posts={posts}", f"--output={tmp_path / 'out'}")
        assert "preprocess with --post_ids=keep to see photos here" in page.words
        assert "samples" not in page.ids

    def test_folders_that_are_no_run(self, world, tmp_path, refused):
        assert "absent is not there: give a workdir" in refused(f"--run={tmp_path / 'absent'}")
        assert "dataset holds none: give a workdir" in refused(f"--run={world / 'dataset'}")

    def test_runs_on_other_posts(self, world, tmp_path, refused):
        other = tmp_path / "other"
        shutil.copytree(world / "eval" / "user_biased", other)
        described = json.loads((other / "metrics.json").read_text())["dataset"]
        change_json(other / "metrics.json", dataset={**described, "fingerprint": "another"})
        run = f"--run={world / 'eval' / 'bilinear'}"
        assert "are of different datasets" in refused(run, "--compare", other)
        assert "is of the test split: give --split=test" in refused(run, "--split=validation")

    def test_files_that_do_not_fit(self, world, tmp_path, refused):
        run = f"--run={world / 'eval' / 'bilinear'}"
        assert "--posts=absent.jsonl: no such file" in refused(run, "--posts=absent.jsonl")
        posts = write_posts(tmp_path / "posts.jsonl", ["other"])
        assert "has none of the 120 evaluated posts" in refused(run, f"--posts={posts}")
        (tmp_path / "kinds.tsv").write_text("tag1\tboth\ntag2 image\n")
        text = refused(run, f"--hashtag_kinds={tmp_path / 'kinds.tsv'}")
        assert "kinds.tsv, line 2: not a hashtag, a tab and one of image, user" in text

    def test_tags_without_a_curve(self, world, tmp_path, refused):
        for folder in ("eval", "runs"):
            text = refused(f"--run={world / folder / 'bilinear'}", "--tags=nobody")
            assert "--tags=nobody: not in the vocabulary" in text
        evaluate_run(
            world / "dataset", world / "runs" / "bilinear", tmp_path / "eval",
            "--curve_tags=1", "--baselines=frequency",
        )  # fmt: skip
        text = refused(f"--run={tmp_path / 'eval'}", "--tags=tag1")
        assert "run python -m tagkeras.evaluate --tags=tag1 again" in text


class TestExperiments:
    def test_beside_the_paper(self, world, tmp_path):
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
        counted = "Of 2 claims of the paper that the experiment looks at: 1 seen and 1 contrary."
        assert counted in page.words
        assert "<b>multiplicative" not in page.source
        assert "13.81" not in page.words  # one decimal, as everywhere
        assert "13.8" in page.words
        ours = json.loads((world / "eval" / "bilinear" / "metrics.json").read_text())
        low, high = ours["intervals"]["model"]["R@10"]
        cell = f"{100 * ours['R@10']:.1f}{100 * low:.1f}\N{EN DASH}{100 * high:.1f}"
        assert cell in page.words.replace(" ", "")

    def test_experiments_that_are_not_finished(self, world, tmp_path, refused):
        folder = write_experiment(tmp_path, world, [])
        (folder / "tables" / "natural.csv").unlink()
        assert "natural.csv: No such file" in refused(f"--run={folder}")
        path = folder / "experiment.json"
        run = {"name": "a", "dataset": "natural", "evaluation": "evaluations/a"}
        path.write_text(json.dumps({"datasets": {}, "runs": [run]}))
        assert "a is not evaluated yet: run python -m" in refused(f"--run={folder}")
        path.write_text("{")
        assert "is damaged" in refused(f"--run={folder}")
