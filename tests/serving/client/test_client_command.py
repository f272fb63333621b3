import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from fake_servers import rest_context, rest_server
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from serving_helpers import photo

from serving import Hashtag, Prediction, User
from serving.client.__main__ import Config, main
from serving.client.output import Answer, print_tables, shortest_float32
from serving.client.questions import nearest_float32
from tagkeras.cli.errors import UserError


@pytest.fixture
def ask(tags_server, tmp_path, monkeypatch):
    """Runs the command in a folder with two photos, a file that is none, and users."""
    (tmp_path / "black.png").write_bytes(photo(0))
    (tmp_path / "white.png").write_bytes(photo(255))
    (tmp_path / "junk.png").write_bytes(b"no image")
    users = [
        {"name": "Ann", "age": 30, "gender": "female", "country": "GB"},
        {"country": "US", "latitude": 39.74, "longitude": -104.98, "gender": None},
    ]
    (tmp_path / "users.jsonl").write_text("\n\n".join(map(json.dumps, users)) + "\n")
    monkeypatch.chdir(tmp_path)

    def run(**flags):
        main(Config(**{"server": tags_server.endpoint, "model_name": "tags", **flags}))

    return run


def test_json_of_one_photo(ask, capsys):
    ask(image=("black.png",), country="US", json=True, top=2)
    assert json.loads(capsys.readouterr().out) == {
        "image": "black.png",
        "user": {
            **dict.fromkeys(("age", "gender", "latitude", "longitude", "name")),
            "country": "US",
        },
        "model": "tags",
        "version": 2,
        "hashtags": [{"hashtag": "soccer", "score": 2.2}, {"hashtag": "football", "score": 1.3}],
    }


def test_a_fact_that_the_model_does_not_have_is_named(ask, capsys):
    ask(image=("black.png",), fact=("country=us", "plan=a,b=c"), json=True)
    out, err = capsys.readouterr()
    assert err == "told in vain: the model has no fact 'plan'\n"
    answer = json.loads(out)
    assert (answer["user"]["country"], answer["user"]["plan"]) == ("US", "a,b=c")
    assert answer["hashtags"][0] == {"hashtag": "soccer", "score": 2.2}


def test_json_of_several(ask, capsys):
    ask(image=("black.png", "white.png"), users="users.jsonl", json=True, label="old")
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert [(a["image"], a["user"]["name"], a["hashtags"][0]["hashtag"]) for a in answers] == [
        ("black.png", "Ann", "football"),
        ("black.png", None, "soccer"),
        ("white.png", "Ann", "football"),
        ("white.png", None, "soccer"),
    ]
    assert {a["version"] for a in answers} == {1}


def test_a_piped_table_has_users_side_by_side(ask, capsys):
    ask(image=("black.png",), users="users.jsonl")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.isascii()
    title, *lines = out.splitlines()
    assert title == "black.png  (model tags, version 2)"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    assert cells == [
        ["", "Ann", "US, 39.74 -105"],
        ["", "female, 30", ""],
        ["", "GB", ""],
        ["1", "#football 2.300", "#soccer 2.200"],
        ["2", "#soccer 1.200", "#football 1.300"],
        ["3", "#tbt 1.200", "#dog 1.100"],
    ]


def test_a_table_on_a_terminal_fits_it_and_marks_what_differs():
    def answer(name, *tags):
        user = User(name=name, age=34, gender="female", country="US", latitude=39.7, longitude=-105)
        hashtags = tuple(Hashtag(tag, 0.5) for tag in ("ball", *tags))
        return Answer("photos/ball.jpg", user, Prediction("tags", 3, hashtags))

    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system="standard")
    own_tags = [["x" * 30], ["xz"], ["xw"], []]
    print_tables([answer(n, *t) for n, t in zip("ABCD", own_tags, strict=True)], console)
    out = stream.getvalue()
    assert len(re.findall(r"\x1b\[1;32m#x", out)) == 3
    assert "\x1b[1;32m#ball" not in out
    widths = {len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()[1:]}
    assert max(widths) <= 100


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"image": ("absent.png",)}, "cannot read the image absent.png: No such file"),
        ({"image": ("black.png", "junk.png")}, "junk.png: the server refused the request: Unknown"),
        ({"image": ("black.png",), "version": 7}, "serves no model 'tags' with version 7"),
        ({"image": ("black.png",), "gender": "m"}, "^gender .*female, male, other, got 'm'"),
        ({"image": ("black.png",), "age": 3.0, "users": "users.jsonl"}, "not both"),
        ({"image": ("black.png",), "label": "a", "version_label": "a"}, "are the same; give one"),
        ({"image": ("black.png",), "fact": ("plan",)}, "--fact=plan: give NAME=VALUE"),
        ({"image": ("black.png",), "fact": ("age=x",)}, "--fact=age=x: age must be a number"),
        ({"image": ("black.png",), "age": 3.0, "fact": ("age=4",)}, "and each fact once"),
        ({"image": ("black.png",), "fact": ("tags=4",)}, "'tags' cannot name a fact"),
        ({"image": ()}, "--image names no file"),
    ],
)
def test_mistakes_get_one_line(ask, flags, words):
    with pytest.raises(UserError, match=words) as caught:
        ask(**flags)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (
            "assertion failed: [image 0: an empty file]\n\t [[{{node Assert}}]]",
            "p.png: the server refused the request: an empty file",
        ),
        (
            "Signature input alias: descriptor(feed name: d:0) not found in request",
            "the model takes descriptors, not images (the server refused the request: Signature "
            "input alias: descriptor(feed name: d:0) not found in request)",
        ),
    ],
)
def test_the_photo_is_named_only_where_it_is_at_fault(ask, tmp_path, fake_rest, refusal, words):
    (tmp_path / "p.png").write_bytes(photo())
    fake_rest.replies = [(400, json.dumps({"error": refusal}).encode())]
    with pytest.raises(UserError) as caught:
        ask(server=fake_rest.url, image=("p.png",), version=9)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no users"),
        ("{}\n[1]\n", "line 2: not a JSON object"),
        ('{"first name": 1}', "line 1: 'first name' cannot name a fact"),
        ('{"gender": 1}', "line 1: gender .*, got 1"),
    ],
)
def test_user_files_that_are_wrong(ask, tmp_path, text, words):
    (tmp_path / "users.jsonl").write_text(text)
    with pytest.raises(UserError, match=words):
        ask(image=("black.png",), users="users.jsonl")


@pytest.fixture
def command(ask, tmp_path):
    """Runs the command in a process of its own; `probe` is code to run at its end."""

    def run(*flags, probe="pass"):
        code = (
            "import atexit, runpy, sys\n"
            f"atexit.register(lambda: exec({probe!r}))\n"
            "runpy.run_module('serving.client', run_name='__main__', alter_sys=True)"
        )
        argv = [sys.executable, "-c", code, "--model_name=tags", *flags]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True)

    return run


NOTHING_HEAVY = "print(*{'tensorflow', 'grpc', 'numpy'} & sys.modules.keys(), file=sys.stderr)"


def test_over_rest_without_tensorflow(command, tags_url):
    done = command(
        f"--server={tags_url}", "black.png", "--country=US", "--json", probe=NOTHING_HEAVY
    )
    assert (done.returncode, done.stderr) == (0, "\n")
    answer = json.loads(done.stdout)
    assert answer["version"] == 2
    assert answer["hashtags"][0] == {"hashtag": "soccer", "score": 2.2}


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--image=junk.png"], 1, "junk.png: the server refused the request: Unknown image"),
        ([], 2, "--image is required"),
    ],
)
def test_mistakes_end_with_a_line_and_a_status(command, tags_url, flags, status, words):
    done = command(f"--server={tags_url}", *flags)
    assert (done.returncode, done.stdout) == (status, "")
    (line,) = done.stderr.splitlines()
    assert words in line


def test_tls_over_rest(command, authority, tls_files):
    with rest_server(rest_context(authority, ask=False)) as server:
        flags = [f"--server={server.url}", "--image=black.png", "--json"]
        done = command(*flags, f"--tls_ca={tls_files.ca}")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["hashtags"] == [{"hashtag": "x", "score": 1.0}]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_scores_have_the_digits_of_numpy(number):
    expected = float(np.format_float_positional(np.float32(number), unique=True))
    assert nearest_float32(number) == np.float32(shortest_float32(number)) == np.float32(number)
    assert len(f"{shortest_float32(number):.9g}") <= len(f"{expected:.9g}")
