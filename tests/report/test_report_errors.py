import json
import shutil
import subprocess
import sys

import pytest
from evaluated_runs import evaluate_run, hash_post_ids, make_page, rename_tag, write_posts
from tiny_dataset import write_dataset

from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError
from tagkeras.report.__main__ import Config, report

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("undrawn")]


def refused(*argv, output):
    with pytest.raises(UserError) as caught:
        report(commandline.parse(Config, [*map(str, argv), f"--output={output}"]))
    text = str(caught.value)
    assert "\n" not in text
    assert not (output / "report.html").exists()
    return text


def test_folders_that_are_no_run(world, tmp_path):
    assert "absent is not there: give a workdir" in refused(
        f"--run={tmp_path / 'absent'}", output=tmp_path / "out"
    )
    assert "dataset holds none: give a workdir" in refused(
        f"--run={world / 'dataset'}", output=tmp_path / "out"
    )


def test_a_workdir_without_checkpoints(world, tmp_path):
    workdir = tmp_path / "run"
    shutil.copytree(world / "runs" / "bilinear", workdir)
    shutil.rmtree(workdir / "best")
    assert "has no checkpoint yet" in refused(f"--run={workdir}", output=tmp_path / "out")


def test_a_dataset_that_is_gone(world, tmp_path):
    workdir = tmp_path / "run"
    shutil.copytree(world / "runs" / "bilinear", workdir)
    config = json.loads((workdir / "config.json").read_text())
    (workdir / "config.json").write_text(json.dumps({**config, "data": str(tmp_path / "gone")}))
    assert "which is not there: give --data=DATASET" in refused(
        f"--run={workdir}", output=tmp_path / "out"
    )


def test_runs_on_other_posts(world, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(world / "eval" / "user_biased", other)
    values = json.loads((other / "metrics.json").read_text())
    values["dataset"]["fingerprint"] = "another"
    (other / "metrics.json").write_text(json.dumps(values))
    run = f"--run={world / 'eval' / 'bilinear'}"
    text = refused(run, "--compare", other, output=tmp_path / "out")
    assert "are of different datasets" in text


def test_splits(world, tmp_path):
    assert "is of the test split: give --split=test" in refused(
        f"--run={world / 'eval' / 'bilinear'}", "--split=validation", output=tmp_path / "out"
    )
    dataset = write_dataset(tmp_path / "dataset", posts=200, validation=40, test=0, people=12)
    shutil.copy(world / "dataset" / "vocabulary.tsv", dataset / "vocabulary.tsv")
    assert "the test split has no posts" in refused(
        f"--run={world / 'runs' / 'bilinear'}", f"--data={dataset}", output=tmp_path / "out"
    )


def test_posts_and_images(world, tmp_path):
    run = f"--run={world / 'eval' / 'bilinear'}"
    assert "--posts=absent.jsonl: no such file" in refused(
        run, "--posts=absent.jsonl", output=tmp_path / "out"
    )
    posts = write_posts(tmp_path / "posts.jsonl", ["other"])
    assert "has none of the 120 posts of the test split" in refused(
        run, f"--posts={posts}", output=tmp_path / "out"
    )
    assert "no such folder" in refused(
        run, f"--posts={posts}", f"--image_root={tmp_path / 'absent'}", output=tmp_path / "out"
    )


def test_hashed_post_ids_have_no_photos(world, tmp_path):
    """No error: a page without photos that says why."""
    dataset = tmp_path / "dataset"
    shutil.copytree(world / "dataset", dataset)
    hash_post_ids(dataset)
    folder = tmp_path / "eval"
    shutil.copytree(world / "eval" / "bilinear", folder)
    values = json.loads((folder / "metrics.json").read_text())
    values["dataset"]["path"] = str(dataset)
    (folder / "metrics.json").write_text(json.dumps(values))
    posts = write_posts(tmp_path / "posts.jsonl", ["other"])
    page = make_page(f"--run={folder}", f"--posts={posts}", f"--output={tmp_path / 'out'}")
    assert "preprocess with --post_ids=keep to see photos here" in page.words
    assert "samples" not in page.ids


def test_tags(world, tmp_path):
    run = f"--run={world / 'eval' / 'bilinear'}"
    assert "--tags=nobody: not in the vocabulary" in refused(
        run, "--tags=nobody", output=tmp_path / "out"
    )
    workdir = f"--run={world / 'runs' / 'bilinear'}"
    assert "--tags=nobody: not in the vocabulary" in refused(
        workdir, "--tags=nobody", output=tmp_path / "out"
    )
    evaluate_run(
        world / "dataset", world / "runs" / "bilinear", tmp_path / "eval",
        "--curve_tags=1", "--baselines=frequency",
    )  # fmt: skip
    assert "run python -m tagkeras.evaluate --tags=tag1 again" in refused(
        f"--run={tmp_path / 'eval'}", "--tags=tag1", output=tmp_path / "out"
    )


def test_hashtag_kinds(world, tmp_path):
    (tmp_path / "kinds.tsv").write_text("tag1\tboth\ntag2 image\n")
    assert "kinds.tsv, line 2: not a hashtag, a tab and one of image, user" in refused(
        f"--run={world / 'eval' / 'bilinear'}",
        f"--hashtag_kinds={tmp_path / 'kinds.tsv'}",
        output=tmp_path / "o",
    )


def test_damaged_experiments(tmp_path):
    path = tmp_path / "experiment.json"
    path.write_text("{")
    assert "is damaged" in refused(f"--run={tmp_path}", output=tmp_path / "out")
    run = {"name": "a", "dataset": "natural", "workdir": "runs/a", "evaluation": "evaluations/a"}
    path.write_text(json.dumps({"datasets": {}, "runs": [run]}))
    assert "a is not evaluated yet" in refused(f"--run={tmp_path}", output=tmp_path / "out")
    path.write_text(json.dumps({"datasets": {}, "runs": []}))
    assert "has no runs" in refused(f"--run={tmp_path}", output=tmp_path / "out")


def test_missing_packages_are_named(tmp_path):
    (tmp_path / "program.py").write_text(
        "import sys\n"
        "sys.modules['jinja2'] = None\n"
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'jinja2' else find(name, *rest)\n"
        "sys.argv = ['tagkeras.report', '--run=x', '--output=y']\n"
        "import runpy\n"
        "runpy.run_module('tagkeras.report', run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert "reports need jinja2" in line
    assert "pip install -c constraints.txt '.[report]'" in line


def test_renaming_is_seen(world, tmp_path):
    """A vocabulary that is another one makes another dataset."""
    shutil.copytree(world / "dataset", tmp_path / "dataset")
    rename_tag(tmp_path / "dataset", "renamed", tag_id=2)
    assert "another vocabulary" in refused(
        f"--run={world / 'runs' / 'bilinear'}",
        f"--data={tmp_path / 'dataset'}",
        output=tmp_path / "out",
    )
