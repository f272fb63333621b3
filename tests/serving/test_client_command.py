import io
import json
import re

import pytest
from rich.console import Console
from serving_helpers import photo

from serving import Hashtag, User
from serving.client import Config, main
from serving.clients.output import Answer, print_tables
from tagkeras.errors import UserError


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
            "age": None,
            "gender": None,
            "country": "US",
            "latitude": None,
            "longitude": None,
            "name": None,
        },
        "model": "tags",
        "version": 2,
        "hashtags": [{"hashtag": "soccer", "score": 2.2}, {"hashtag": "football", "score": 1.3}],
    }


def test_json_of_several(ask, capsys):
    ask(image=("black.png", "white.png"), users="users.jsonl", json=True, version_label="old")
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
        ["", "Ann", "US"],
        ["", "female, age 30, GB", "39.74 -105"],
        ["1", "#football 2.300", "#soccer 2.200"],
        ["2", "#soccer 1.200", "#football 1.300"],
        ["3", "#tbt 1.200", "#dog 1.100"],
    ]


def test_a_table_on_a_terminal_fits_it_and_marks_what_differs():
    def answer(name, *tags):
        user = User(name=name, age=34, gender="female", country="US", latitude=39.7, longitude=-105)
        hashtags = tuple(Hashtag(tag, 0.5) for tag in ("ball", *tags))
        return Answer("photos/ball.jpg", user, "tags", 3, hashtags)

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
        ({"image": ("black.png",), "model_name": "cats"}, "serves no model 'cats'"),
        ({"image": ("black.png",), "version": 7}, "serves no model 'tags' with version 7"),
        ({"image": ("black.png",), "version_label": "x"}, "Unrecognized servable version label: x"),
        ({"image": ("black.png",), "age": 200.0}, "age 200 is no number from 0 to 150"),
        ({"image": ("black.png",), "latitude": 10.0}, "go together"),
        ({"image": ("black.png",), "gender": "m"}, "none of female, male, other"),
        ({"image": ("black.png",), "age": 3.0, "users": "users.jsonl"}, "not both"),
        ({"image": ("black.png",), "users": "absent.jsonl"}, "cannot read the users"),
        ({"image": ()}, "--image names no file"),
    ],
)
def test_mistakes_get_one_line(ask, flags, words):
    with pytest.raises(UserError, match=words) as caught:
        ask(**flags)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no users"),
        ("{}\n[1]\n", "line 2: not a JSON object"),
        ("{}\n{'age': 1}\n", "line 2: Expecting property name"),
        ('{"height": 180}', "line 1: unknown field 'height'; the fields are age, gender"),
        ('{"gender": 1}', "line 1: gender 1 is no text"),
    ],
)
def test_user_files_that_are_wrong(ask, tmp_path, text, words):
    (tmp_path / "users.jsonl").write_text(text)
    with pytest.raises(UserError, match=words):
        ask(image=("black.png",), users="users.jsonl")
