import base64
import hashlib
import re
import shutil
import subprocess
import sys

import pytest
from evaluated_runs import HOSTILE, SECTIONS, make_page, write_kinds, write_posts

from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate.evaluation import Evaluation


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def page(world, output):
    """A page with all there can be without an experiment."""
    shutil.copytree(world / "eval", output / "evaluations")
    post_ids = [f"test{row}" for row in range(60)]
    posts = write_posts(output / "posts.jsonl", [*post_ids, "train1"])
    tags = Vocabulary.load(world / "dataset" / "vocabulary.tsv").tags
    kinds = write_kinds(output / "hashtags.tsv", tags[1:])
    runs = world / "runs"
    options = (f"--posts={posts}", f"--hashtag_kinds={kinds}", "--samples=3", "--map_users=50")
    return make_page(
        f"--run={runs / 'multiplicative'}", f"--output={output}", *options,
        "--compare", runs / "bilinear", runs / "user_biased",
    )  # fmt: skip


def test_all_sections_are_there(page):
    assert [i for i in page.ids if i in (*SECTIONS, "paper", "left-out")] == [*SECTIONS, "left-out"]
    nav = [link for link in page.links if link.startswith("#")]
    assert [f"#{section}" for section in SECTIONS] == [n for n in nav if n[1:] in SECTIONS]
    assert "the runs are of no experiment" in page.words


def test_the_page_needs_nothing_else(page):
    """References lead into the page or carry their content; ids are there once."""
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link.startswith(("#", "data:image/jpeg;base64,")), link
        if link.startswith("#"):
            assert link[1:] in page.ids
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", page.source)
    assert page.count("link") == page.count("iframe") == page.count("object") == 0
    policy = next(
        a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_the_policy_allows_the_one_script(page):
    (script,) = page.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.source


def test_hostile_hashtags_are_text(page):
    assert "<script>alert" not in page.source
    assert f"#{HOSTILE}" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.source


def test_numbers_of_the_table_are_those_of_the_evaluation(page, output):
    evaluations = {
        name: Evaluation.load(output / "evaluations" / name).metrics
        for name in ("multiplicative", "bilinear", "user_biased")
    }
    columns = ("P@1", "R@10", "A@10", "nDCG@10", "MRR@10", "coverage@10", "entropy@10")
    first = evaluations["multiplicative"]
    rows = [first[name] for name in first["intervals"] if name != "model"] + list(
        evaluations.values()
    )
    expected = [(column, row[column]) for row in rows for column in columns]
    assert page.cells == expected
    assert f"{100 * first['R@10']:.1f}" in page.words
    low, high = first["intervals"]["model"]["R@10"]
    assert f"{100 * low:.1f}\N{EN DASH}{100 * high:.1f}" in page.words


def test_figures_are_in_the_page_and_in_files(page, output):
    names = {path.stem for path in (output / "figures").iterdir()}
    assert {path.suffix for path in (output / "figures").iterdir()} == {".png", ".svg"}
    assert page.count("svg", role="img") == len(names) == page.count("figure")
    assert {"results-natural-R-10", "curves-natural-1", "users-age", "groups-natural-age"} <= names


def test_samples_are_photos_of_the_split(page, output):
    assert page.count("article", **{"class": "sample"}) == 3
    pictures = [a for t, a in page.elements if t == "img"]
    assert len(pictures) == 3 + 2  # two for the same photo, other people
    for picture in pictures:
        assert (picture["width"], picture["height"]) == ("40", "30")
        assert picture["alt"].startswith("Photo of post test")
    predictions = Evaluation.load(output / "evaluations" / "bilinear").predictions
    post_id = pictures[0]["alt"].removeprefix("Photo of post ")
    (row,) = [r for r in predictions.to_pylist() if r["post_id"] == post_id]
    card = page.source.split('class="sample"')[1]
    assert all(f"#{tag}" in card for tag in row["hashtags"] if tag != HOSTILE)


def test_missing_packages_are_named():
    program = (
        "import runpy, sys; sys.modules['jinja2'] = None;"
        " sys.argv = ['tagkeras.report', '--run=x', '--output=y'];"
        " runpy.run_module('tagkeras.report', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert "reports need jinja2" in line
    assert "pip install -c constraints.txt '.[report]'" in line
