"""One reader of posts: JSON Lines, gzipped or not, and Parquet, with the place of each row."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tagkeras.cli.errors import UserError
from tagkeras.data.posts_file import SUFFIXES, parse_json_line, read_posts, read_rows


def make_row(number, **fields):
    row = {"post_id": f"p{number}", "user_id": "u", "hashtags": ["#a"], "descriptor": [0.5, 1.0]}
    return {**row, "country": "gb", "age": None, **fields}


def write(path, rows):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    content = b"\xef\xbb\xbf" + b"".join(json.dumps(row).encode() + b"\n\n" for row in rows)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture(params=SUFFIXES)
def path(request, tmp_path):
    return tmp_path / f"posts{request.param}"


def place_of(path, index):
    return f"row {index + 1}" if path.suffix == ".parquet" else f"line {2 * index + 1}"


def test_posts_with_their_places(path):
    posts = read_posts(write(path, [make_row(number) for number in range(3)]))
    assert [post.post.post_id for post in posts] == ["p0", "p1", "p2"]
    assert [post.place for post in posts] == [place_of(path, index) for index in range(3)]
    assert posts[0].descriptor == [0.5, 1.0]
    assert posts[0].post.hashtags == ("a",)
    assert posts[0].post.facts["country"] == "GB"


def test_posts_that_need_no_labels(path):
    rows = [make_row(number, user_id=None, hashtags=None) for number in range(2)]
    write(path, rows)
    assert len(read_posts(path, labelled=False)) == 2
    with pytest.raises(UserError, match="2 of 2 posts cannot be used"):
        read_posts(path)


def test_bad_posts_are_named_with_file_and_place(path):
    rows = [make_row(0), make_row(1, age=900), make_row(0), make_row(3, descriptor=None)]
    with pytest.raises(UserError) as error:
        read_posts(write(path, rows))
    assert str(error.value) == (
        f"{path}: 3 of 4 posts cannot be used, mend them or take them out:"
        f" {place_of(path, 1)}: bad_age: age must be from 0 to 150;"
        f" {place_of(path, 2)}: duplicate_post_id: post_id: that of {place_of(path, 0)} again;"
        f" {place_of(path, 3)}: no_image: neither an image nor a descriptor"
    )


def test_rows_with_some_ids(path, capsys):
    write(path, [make_row(number) for number in range(3000)])
    found = list(read_rows(path, {"p7", "p2999", "other"}))
    assert [place for place, _ in found] == [place_of(path, 7), place_of(path, 2999)]
    assert [row["post_id"] for _, row in found] == ["p7", "p2999"]
    assert "reading posts" in capsys.readouterr().err


def test_malformed_lines(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b"{no json\n[1]\n\xff\n" + b"[" * 40 + b"]" * 40 + b"\n")
    problems = ["not JSON", "not a JSON object", "not UTF-8", "not a JSON object"]
    assert list(read_rows(path)) == [
        (f"line {number}", problem) for number, problem in enumerate(problems, start=1)
    ]
    deep = b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}"
    assert parse_json_line(deep) == "nested more than 32 deep"
    with pytest.raises(UserError, match="4 of 4 posts .* line 1: malformed_row: not JSON"):
        read_posts(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("posts.txt", b"", "posts are read from .jsonl, .jsonl.gz, .parquet"),
        ("none.jsonl", None, "no such file"),
        ("empty.jsonl", b"\n", "has no posts"),
        ("cut.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 99, mtime=0)[:-9], "cannot be read"),
        ("plain.jsonl.gz", b"{}\n", "cannot be read"),
        ("bad.parquet", b"PAR1 but not really PAR1", "cannot be read"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_posts(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_a_parquet_file_without_ids(tmp_path):
    path = tmp_path / "posts.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(UserError, match="no column post_id"):
        list(read_rows(path, {"p"}))
    with pytest.raises(UserError, match="row 1: no_post_id"):
        read_posts(path)
