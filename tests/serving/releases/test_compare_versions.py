"""Two versions compared on posts, against numbers found by hand."""

import io
import json
import socket

import numpy as np
import pytest
from release_helpers import run_command, write_posts
from rich.console import Console

from serving import compare_versions
from serving.client.answers import Prediction, RequestError, StatusCode
from serving.load_test.latencies import Latencies
from serving.releases.ask_versions import Answer, resolve
from serving.releases.comparison_output import print_comparison
from serving.releases.labelled_posts import LabelledPost
from serving.releases.limits import Limits
from serving.releases.version_comparison import compare_answers
from tagkeras.cli.errors import UserError
from tagkeras.data.user import User

# Rows 0 to 3 of the versions' tables: conftest.py.
POSTS = [
    ("ann", [0], ["#A", "b"]),
    ("ann", [1], ["c"]),
    ("bob", [2], ["a", "zebra"]),
    ("cy", [3], ["zebra"]),
]


@pytest.fixture
def compare(ranking_server, tmp_path, capsys):
    """Runs the command with --json."""
    posts = write_posts(tmp_path / "posts.jsonl", POSTS)

    def run(*argv, server=ranking_server.endpoint):
        flags = (f"--server={server}", "--model_name=tags", f"--posts={posts}", "--json")
        try:
            run_command(compare_versions, *flags, *argv)
        finally:
            printed = capsys.readouterr().out
        return json.loads(printed)

    return run


@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_numbers_found_by_hand(compare, ranking_server, api):
    server = ranking_server.endpoint if api == "grpc" else f"http://{ranking_server.rest_endpoint}"
    found = compare(server=server)
    metrics = found["metrics"]
    values = {name: (m["first"], m["second"], m["difference"]) for name, m in metrics.items()}
    assert values == {
        "P@1": (0.25, 0.75, 0.5),
        "R@10": (0.25, 0.625, 0.375),
        "A@10": (0.25, 0.75, 0.5),
    }
    assert found["same_top"] == 0.25
    assert found["overlap"] == pytest.approx((1 + 3 * 2 / 3) / 4)
    assert (found["posts"], found["compared"], found["newly_failing"]) == (4, 4, 0)
    assert [found[which]["version"] for which in ("first", "second")] == [1, 2]
    for which in ("first", "second"):
        latency = found[which]["latency_ms"]
        assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
        assert found[which]["failures"] == {}
    # Users gain 1/2, 1 and 0 a post in P@1, so no mean of any draw of them is outside 0 to 1.
    assert 0 <= metrics["P@1"]["low"] < 0.5 < metrics["P@1"]["high"] <= 1


def test_versions_by_number_the_other_way_round(compare):
    found = compare("--versions=2,1", "--k=1", "--num_posts=2", "--max_drop=1")
    values = {name: (m["first"], m["second"]) for name, m in found["metrics"].items()}
    assert values == {"P@1": (1.0, 0.5), "R@1": (0.75, 0.25), "A@1": (1.0, 0.5)}
    assert (found["overlap"], found["posts"]) == (0.0, 2)


def test_a_version_that_is_worse_does_not_hold(compare):
    with pytest.raises(UserError, match=r"^1 does not hold: P@1 drops by 0.5000 \(.*=0.49; A@10"):
        compare("--versions=2,1", "--max_drop=0.49", "--max_errors=4")
    # 0.5 is the drop, and allowed.
    assert compare("--versions=2,1", "--max_drop=0.5")["metrics"]["P@1"]["difference"] == -0.5


def test_a_version_that_fails_on_a_post(compare):
    with pytest.raises(
        UserError, match=r"1 of 4 posts fail on broken only, .*=0 \(INVALID_ARG.*no"
    ):
        compare("--labels=stable,broken")
    found = compare("--labels=stable,broken", "--max_errors=1", "--max_drop=0.5")
    assert found["second"]["failures"] == {"INVALID_ARGUMENT": 1}
    assert "no such row" in found["second"]["details"]["INVALID_ARGUMENT"]
    assert (found["compared"], found["second"]["answered"]) == (3, 3)
    # Of the three posts that both answered.
    assert found["metrics"]["P@1"]["first"] == pytest.approx(1 / 3)
    assert found["metrics"]["P@1"]["second"] == 1.0
    # A post that fails on the first version, too, is not held against the second.
    assert compare("--versions=3,2")["newly_failing"] == 0


def test_posts_that_fail_on_both_blame_nobody(ranking_server, tmp_path, capsys):
    posts = write_posts(tmp_path / "far.jsonl", [("ann", [70], ["a"]), ("ann", [0], ["a"])])
    flags = (f"--server={ranking_server.endpoint}", "--model_name=tags", f"--posts={posts}")
    run_command(compare_versions, *flags, "--max_drop=1", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["compared"], found["newly_failing"]) == (1, 0)
    # The second post told the numbers, which the first one could not.
    assert [found[which]["version"] for which in ("first", "second")] == [1, 2]
    posts = write_posts(tmp_path / "none.jsonl", [("ann", [70], ["a"])])
    flags = (f"--server={ranking_server.endpoint}", "--model_name=tags", f"--posts={posts}")
    with pytest.raises(UserError, match="^canary does not hold: no post was answered by both$"):
        run_command(compare_versions, *flags)


@pytest.mark.parametrize("answers", [0, 9, 10])
def test_the_number_of_a_version_is_that_of_the_first_answer(answers):
    """A client whose first posts fail, as one whose images are broken."""

    class Client:
        asked = 0

        def predict_descriptors(self, descriptors, users):
            self.asked += 1
            if self.asked <= answers:
                raise RequestError("broken", StatusCode.INVALID_ARGUMENT, "broken")
            return [Prediction("tags", 7, ())]

    posts = [LabelledPost("p", "ann", User(), frozenset({"a"}), None, [0.0])] * 30
    client = Client()
    assert resolve(client, posts, "tags stable") == (7 if answers < 10 else None)
    assert client.asked == min(answers + 1, 10)


def test_a_server_that_hangs_is_not_asked_about_every_post(tmp_path):
    posts = write_posts(tmp_path / "posts.jsonl", POSTS)
    with socket.create_server(("localhost", 0)) as hanging:  # nobody answers its connections
        server = f"http://localhost:{hanging.getsockname()[1]}"
        flags = (f"--server={server}", "--model_name=tags", f"--posts={posts}", "--timeout=0.5")
        with pytest.raises(UserError, match=f"^{server} did not answer within 0.5 s"):
            run_command(compare_versions, *flags)


def test_the_table(ranking_server, tmp_path, capsys):
    posts = write_posts(tmp_path / "posts.jsonl", POSTS)
    flags = (f"--server={ranking_server.endpoint}", "--model_name=tags", f"--posts={posts}")
    run_command(compare_versions, *flags, "--labels=stable,broken", "--max_errors=1")
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "stable, version 1 broken, version 3 difference 95% interval" in lines
    assert any(line.startswith("P@1 33.33% 100.00% +66.67 ") for line in lines)
    assert "errors 0 1" in lines
    assert "4 posts; 3 answered by both; first hashtag the same on 0.0%, overlap@10 77.8%" in lines
    assert any(line.startswith("broken: 1 failed with INVALID_ARGUMENT: ") for line in lines)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--labels=stable,gold"], "there is no tags gold: check .*version label: gold"),
        (["--versions=1,9"], "with version 9"),
        (["--versions=1"], "give two versions to compare, not 1"),
        (["--versions=1,1"], "1 twice"),
        (["--versions=1,99999999999999999999"], "too large: versions end at 9223372036854775807"),
        ([f"--versions=1,{2**63}"], "too large"),
        (["--versions=1," + "9" * 5000], "too large"),
        (["--versions=1,two"], "takes numbers, got 'two'"),
        (["--versions=1,2", "--labels=stable,canary"], "not both"),
        (["--server=localhost:1"], "no server answers at localhost:1"),
        (["--model_name=toys"], "there is no toys stable: check the model's name"),
        (["--model_name=toys", "--versions=1,2"], "serves no model 'toys'"),
        (["--posts=none.jsonl"], "none.jsonl: no such file"),
        (["--posts=posts.csv"], "posts are read of"),
    ],
)
def test_bad_input(compare, flags, words):
    with pytest.raises(UserError, match=words):
        compare(*flags)


def test_labels_of_one_version(compare, ranking_server):
    config = ranking_server.manager.config
    changed = ranking_server.manager.config
    changed.model_config_list.config[0].version_labels["canary"] = 1
    ranking_server.manager.reload(changed)
    try:
        with pytest.raises(UserError, match="stable and canary are both version 1"):
            compare()
    finally:
        ranking_server.manager.reload(config)


def test_bad_posts_and_images(compare, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"post_id": "p", "user_id": "u", "descriptor": [0], "hashtags": []}\n')
    with pytest.raises(UserError, match="line 1: no_hashtags"):
        compare(f"--posts={path}")
    path.write_text('{"post_id": "p", "user_id": "u", "image": "no.jpg", "hashtags": ["a"]}\n')
    with pytest.raises(UserError, match=r"post p: cannot read the image .*/no\.jpg: No such file"):
        compare(f"--posts={path}")


def comparison(seconds=(0.1, 0.1), failures=("", "")):
    post = LabelledPost("p", "ann", User(), frozenset({"a"}), None, [0.0])
    answers = tuple(
        [Answer(("a",), second, failure, "words")] * 4
        for second, failure in zip(seconds, failures, strict=True)
    )
    return compare_answers([post] * 4, ("stable", "canary"), (1, 2), answers, 10)


def test_limits():
    slower = comparison(seconds=(0.1, 0.3))
    assert slower.slowdown == pytest.approx(3)
    assert not list(Limits(max_slowdown=3.01, max_drop=0.0).exceeded(slower))
    (line,) = Limits(max_slowdown=2.9).exceeded(slower)
    assert line.startswith("the 95th percentile of latencies is 3.00 times as long, more than")
    failing = comparison(failures=("", "INTERNAL"))
    assert list(Limits(max_errors=4).exceeded(failing)) == ["no post was answered by both"]
    errors, drop = Limits(max_errors=3, max_drop=1, max_slowdown=1).exceeded(failing)
    assert errors == "4 of 4 posts fail on canary only, more than --max_errors=3 (INTERNAL: words)"
    assert drop == "no post was answered by both"
    assert failing.metrics == {}
    assert failing.second.latency_ms is None


def test_the_failure_that_is_quoted_is_one_of_the_second_version_alone():
    post = LabelledPost("p", "ann", User(), frozenset({"a"}), None, [0.0])
    good = Answer(("a",), 0.1)
    broken = Answer((), 0.1, "INVALID_ARGUMENT", "image 0: not a JPEG")
    new = Answer((), 0.1, "INTERNAL", "out of memory")
    answers = ([broken, good, good], [broken, good, new])
    found = compare_answers([post] * 3, ("stable", "canary"), (1, 2), answers, 10)
    assert list(Limits().exceeded(found)) == [
        "1 of 3 posts fail on canary only, more than --max_errors=0 (INTERNAL: out of memory)"
    ]
    assert found.second.failures == {"INVALID_ARGUMENT": 1, "INTERNAL": 1}
    # The other way round nothing is new.
    found = compare_answers([post] * 3, ("canary", "stable"), (2, 1), answers[::-1], 10)
    assert (found.newly_failing, found.new_failure) == (0, "")


def test_a_comparison_without_a_post_in_common_can_be_printed():
    console = Console(file=io.StringIO(), width=200)
    print_comparison(comparison(failures=("INTERNAL", "")), console)
    text = " ".join(console.file.getvalue().split())
    assert "latency p50 - 100.0 ms" in text
    assert "4 posts; 0 answered by both" in text
    assert Latencies.of_seconds(np.array([0.1])).p99 == 100.0
