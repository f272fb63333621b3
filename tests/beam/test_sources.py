import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam.posts import files, flags
from beam.posts import rows as rows_of_files
from beam.posts.descriptors import read_descriptors
from beam.posts.files import find_inputs, read_range, read_rows
from beam.posts.rows import FileRange, InputFile
from tagkeras.cli.errors import UserError


def read(blocks):
    return [
        (position, row)
        for block in blocks
        for position, row in zip(block.positions, block.rows, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["", " ", "x", "xyz" * 9]), max_size=12),
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_ranges_see_each_line_once(tmp_path_factory, texts, step, ends_in_newline, newline):
    path = tmp_path_factory.mktemp("posts") / "posts.jsonl"
    lines = [text and json.dumps({"text": text, "number": i}) for i, text in enumerate(texts)]
    content = newline.join(lines) + (newline if ends_in_newline else "")
    path.write_bytes(content.encode())
    file = InputFile(0, str(path), len(content), "jsonl")
    parts = [
        FileRange(file, start, min(start + step, len(content)))
        for start in range(0, len(content), step)
    ]
    rows = [row for part in parts for row in read(read_range(part, 5))]
    assert rows == read(read_range(FileRange(file, 0, None), 5))
    assert [row for _, row in rows] == [json.loads(line) for line in lines if line.strip()]
    assert all(content[position:].startswith(json.dumps(row)) for position, row in rows)


def test_blocks_are_cut_by_rows_and_bytes(tmp_path, monkeypatch):
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(10)))
    (file,) = find_inputs(str(path))
    assert [len(block.rows) for block in read_rows(file, 4)] == [4, 4, 2]
    monkeypatch.setattr(rows_of_files, "BLOCK_BYTES", 20)
    assert [len(block.rows) for block in read_rows(file, 4)] == [3, 3, 3, 1]


def test_parquet_rows_know_their_numbers(tmp_path):
    path = tmp_path / "posts.parquet"
    table = pa.table({"post_id": [f"p{n}" for n in range(10)], "color": ["red"] * 10})
    pq.write_table(table, path, row_group_size=4)
    (file,) = find_inputs(str(path))
    rows = read(read_rows(file, 3))
    assert rows == [(n, {"post_id": f"p{n}"}) for n in range(10)]


def test_parquet_values_that_python_cannot_hold(tmp_path):
    path = tmp_path / "posts.parquet"
    days = pa.array([2**31 - 1, 0], pa.date32())
    times = pa.array([[2**62 + 1], [1000]], pa.list_(pa.timestamp("ns")))
    pq.write_table(pa.table({"post_id": ["a", "b"], "age": days, "descriptor": times}), path)
    (block,) = read_rows(find_inputs(str(path))[0], 10)
    assert block.rows[0] == "a value that cannot be read"
    assert block.rows[1]["post_id"] == "b"
    # Arrow makes of them what pandas has, where it is installed: no numbers, either way.
    _, errors = read_descriptors(block, 1, "float16")
    assert errors[0].reason == "bad_descriptor"


def test_two_columns_of_a_name(tmp_path):
    table = pa.table([["a"], ["b"]], names=["post_id", "post_id"])
    pq.write_table(table, tmp_path / "posts.parquet")
    with pytest.raises(UserError, match="more than one column post_id"):
        read(read_rows(find_inputs(str(tmp_path / "posts.parquet"))[0], 10))


def test_formats_are_those_of_the_flag():
    assert {*files._PARSERS, "parquet"} == set(flags.FORMATS)


def test_files_are_in_order_and_their_names_tell_them_apart_and_no_more(tmp_path):
    names = ["a.jsonl", "b.jsonl.gz", "c.parquet", "y/a.jsonl"]
    (tmp_path / "x" / "y").mkdir(parents=True)
    for name in reversed(names):
        (tmp_path / "x" / name).write_bytes(b"xy")
    found = find_inputs(str(tmp_path / "**"))
    assert [file.path for file in found] == [f"{tmp_path}/x/{name}" for name in names]
    assert [(file.index, file.size) for file in found] == [(number, 2) for number in range(4)]
    kinds = ["byte", "byte", "row", "byte"]
    assert [file.source for file in found] == [
        f"{name}, {kind}" for name, kind in zip(names, kinds, strict=True)
    ]
    (only,) = find_inputs(str(tmp_path / "x" / "y" / "*"))
    assert only.source == "a.jsonl, byte"


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "posts.csv").write_text("a,b")
    (tmp_path / "bad.parquet").write_text("no parquet")
    (tmp_path / "bad.jsonl.gz").write_text("no gzip")
    whole = gzip.compress(b"".join(b'{"a": %d}\n' % n for n in range(9999)))
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    for name, words in [
        ("none*.jsonl", "no such file"),
        ("posts.csv", r"is none of \.jsonl"),
        ("", "of a folder name the files"),
        ("bad.parquet", "no Parquet file that can be read"),
        ("bad.jsonl.gz", "cannot be read"),
        ("cut.jsonl.gz", "cannot be read: Compressed file ended"),
    ]:
        with pytest.raises(UserError, match=words):
            read(read_rows(find_inputs(str(tmp_path / name))[0], 100))
