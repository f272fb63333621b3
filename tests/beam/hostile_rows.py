"""Rows of posts that people or attackers may hand in, each with what becomes of it."""

import json
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from hostile_pictures import PRIVATE, WRITTEN, encode, scene

# The value of a field that a row lacks.
ABSENT = object()

# The limit of a line that the rows are made for.
LINE_BYTES = 3 * 2**20

# What a good row has beside its id and its image or descriptor.
GOOD = {
    "user_id": f"{PRIVATE}-user",
    "hashtags": ["#Hostile"],
    "age": 77.25,
    "gender": "female",
    "country": "GB",
    "latitude": 12.34567,
    "longitude": 76.54321,
}


class Row(NamedTuple):
    """A row."""

    expected: str  # the reason of its rejection, or `WRITTEN`
    fields: dict[str, Any] | bytes  # that differ from those of a good row; or the line as it is
    tags: tuple[str, ...] = ("hostile",)  # of the post that is written
    post_id: str | None = None  # of the post that is written, if it is not the row's name


def to_line(name: str, row: Row, **good: Any) -> bytes:
    """A line of JSON Lines; a text that begins with `RAW:` stands there without quotes.

    The name is the post id, unless the row has another; `good` are fields beside `GOOD`.
    """
    if isinstance(row.fields, bytes):
        return row.fields
    fields = {"post_id": name, **GOOD, **good, **row.fields}
    text = json.dumps({name: value for name, value in fields.items() if value is not ABSENT})
    return re.sub(r'"RAW:([^"]*)"', r"\1", text).encode()


def nest(depth: int, inner: str = "") -> str:
    """Lists in lists, as JSON."""
    return "[" * depth + inner + "]" * depth


def lines() -> dict[str, Row]:
    """Lines that do not depend on what the posts of the dataset have."""
    return {**malformed_lines(), **ids(), **hashtags(), **metadata(), **duplicates()}


def malformed_lines() -> dict[str, Row]:
    """Lines that are no rows, and odd ones that are."""
    bad = {
        "no_json": b"{no json",
        "json_cut": b'{"post_id": "x", "user_id": "' + PRIVATE.encode(),
        "json_and_more": b'{"post_id": "x"} {"post_id": "y"}',
        "json_list": b'[{"post_id": "x"}]',
        "json_number": b"12",
        "json_text": f'"{PRIVATE}"'.encode(),
        "json_null": b"null",
        "json_deep": nest(200_000).encode(),
        "json_deep_in_a_field": f'{{"post_id": "x", "age": {nest(200_000)}}}'.encode(),
        "json_huge_number": b'{"post_id": ' + b"9" * 10_000 + b"}",
        "json_control_character": b'{"post_id": "a\x01b"}',
        "python": b"{'post_id': 'x', 'age': None}",
        "not_utf8": b'{"post_id": "\xff\xfe"}',
        "surrogate_in_utf8": b'{"post_id": "\xed\xa0\x80"}',
        "overlong_utf8": b'{"post_id": "\xc0\xaf"}',
        "latin1": '{"post_id": "caf\u00e9"}'.encode("latin-1"),
        "utf16": '{"post_id": "x"}'.encode("utf-16-le"),
        "zeros": bytes(1000),
        "byte_order_mark_inside": b'\xef\xbb\xbf{"post_id": "x"}',
        "comma_separated": b"post_id,user_id,image",
        # Without an end, for it is to be refused whether or not the limit is the one above.
        "too_long": b'{"post_id": "' + b"x" * (LINE_BYTES + 2**20),
    }
    return {
        **{name: Row("malformed_row", line) for name, line in bad.items()},
        "deep_tags": Row("malformed_row", {"hashtags": f"RAW:{nest(500)}"}),
        "less_deep_tags": Row("bad_hashtags", {"hashtags": f"RAW:{nest(20)}"}),
        "deep_unknown_field": Row("malformed_row", {"exif": f"RAW:{nest(300)}"}),
        "unknown_fields": Row(WRITTEN, {"exif": {"a": [{"b": None}]}, "": 1, "n": math.nan}),
    }


def ids() -> dict[str, Row]:
    """Rows with odd ids."""
    rows = {}
    for field in ("post_id", "user_id"):
        values = {
            "missing": ABSENT,
            "null": None,
            "empty": "",
            "list": [PRIVATE],
            "object": {"id": PRIVATE},
            "float": 1.5,
            "nan": math.nan,
            "true": True,
            "surrogate": f"{PRIVATE}\ud800",
        }
        for what, value in values.items():
            kind = "no" if what in ("missing", "null", "empty", "nan") else "bad"
            rows[f"{field}_{what}"] = Row(f"{kind}_{field}", {field: value})
    odd = {
        "integer": 12,
        "zero": 0,
        "negative": -7,
        "huge_integer": int("9" * 4000),
        "long": "x" * 100_000,
        "space": " ",
        "control_characters": "a\0b\r\nc\td",
        "quotes": "\"'\\</script>",
        "path": "../../../etc/passwd",
        "emoji": "\U0001f600",
        "right_to_left": "\u202e\u05e9\u05dc\u05d5\u05dd",
    }
    for what, value in odd.items():
        rows[f"post_id_{what}"] = Row(WRITTEN, {"post_id": value}, post_id=str(value))
        rows[f"user_id_{what}"] = Row(WRITTEN, {"user_id": value})
    return rows


def duplicates() -> dict[str, Row]:
    """Rows with ids of others."""
    return {
        "once": Row(WRITTEN, {"post_id": "twice", "hashtags": ["first"]}, ("first",), "twice"),
        "again": Row("duplicate_post_id", {"post_id": "twice", "hashtags": ["second"]}),
        "and_again": Row("duplicate_post_id", {"post_id": "twice", "hashtags": ["third"]}),
        "again_and_bad": Row("bad_age", {"post_id": "twice", "age": 7777}),
        "of_a_number": Row("duplicate_post_id", {"post_id": "12"}),
        "bad_at_first": Row("bad_age", {"post_id": "second_is_good", "age": 7777}),
        "then_good": Row(WRITTEN, {"post_id": "second_is_good"}, post_id="second_is_good"),
        "other_case": Row(WRITTEN, {"post_id": "TWICE"}, post_id="TWICE"),
    }


def hashtags() -> dict[str, Row]:
    """Rows with odd hashtags."""
    many = [f"tag{number}" for number in range(10_000)]
    refused = {
        "missing": ("no_hashtags", ABSENT),
        "null": ("no_hashtags", None),
        "empty": ("no_hashtags", []),
        "only_hash": ("no_hashtags", ["#", "##", " # "]),
        "only_spaces": ("no_hashtags", ["", " ", "\u3000\n"]),
        "only_control": ("no_hashtags", ["\0", "a\x07", "\x7f"]),
        "only_surrogate": ("no_hashtags", ["\ud83d", "\udc00a"]),
        "only_long": ("no_hashtags", ["x" * 201]),
        "only_huge": ("no_hashtags", ["x" * 2**20]),
        "only_growing": ("no_hashtags", ["\ufdfa" * 200]),
        "text": ("bad_hashtags", f"#{PRIVATE}"),
        "number": ("bad_hashtags", 5),
        "object": ("bad_hashtags", {"tag": PRIVATE}),
        "of_numbers": ("bad_hashtags", ["football", 7777]),
        "of_nulls": ("bad_hashtags", ["football", None]),
        "of_lists": ("bad_hashtags", [["football"]]),
        "true": ("bad_hashtags", True),
        "nan": ("no_hashtags", math.nan),
        "empty_text": ("no_hashtags", ""),
    }
    taken: dict[str, tuple[list[str], tuple[str, ...]]] = {
        "huge_and_good": (["x" * 2**20, "good"], ("good",)),
        "longest": (["#" + "y" * 199], ("y" * 199,)),
        "many": (many, tuple(many)),
        "same": (["#A", "a", " a ", "\uff21"], ("a",)),
        "control_and_good": (["a\0b", "good"], ("good",)),
        "surrogate_and_good": (["\ud800", "good"], ("good",)),
        "tab_and_newline": (["new\tyork", "los\r\nangeles"], ("new york", "los angeles")),
        "line_separators": (["a\u2028b", "c\u0085d", "e\x1cf"], ("a b", "c d", "e f")),
        "hash_inside": (["c#", "#a#b"], ("c#", "a#b")),
        "emoji": (["#\U0001f600"], ("\U0001f600",)),
        "family": (["\U0001f468\u200d\U0001f469"], ("\U0001f468\u200d\U0001f469",)),
        "flag": (["\U0001f1ec\U0001f1e7"], ("\U0001f1ec\U0001f1e7",)),
        "keycap": (["#\ufe0f\u20e3"], ("#\ufe0f\u20e3",)),
        "combining": (["cafe\u0301"], ("caf\u00e9",)),
        "many_combining": (["a" + "\u0300" * 150], ("\u00e0" + "\u0300" * 149,)),
        "right_to_left": (["#\u05e9\u05dc\u05d5\u05dd"], ("\u05e9\u05dc\u05d5\u05dd",)),
        "direction_turned": (["\u202eabc"], ("\u202eabc",)),
        "full_width": (["\uff03\uff26oot"], ("foot",)),
        "html": (["<script>alert(1)</script>"], ("<script>alert(1)</script>",)),
        "none_word": (["null", "nan"], ("null", "nan")),
    }
    return {
        **{f"tags_{n}": Row(reason, {"hashtags": tags}) for n, (reason, tags) in refused.items()},
        **{f"tags_{n}": Row(WRITTEN, {"hashtags": g}, tags) for n, (g, tags) in taken.items()},
    }


def metadata() -> dict[str, Row]:
    """Rows with odd ages, genders, countries and places."""
    numbers = {
        "infinite": math.inf,
        "minus_infinite": -math.inf,
        "overflow": "RAW:1e400",
        "huge_integer": 10**400,
        "negative": -777.25,
        "text": "77.25",
        "true": True,
        "list": [77.25],
        "object": {"value": 77.25},
    }
    bad: dict[str, dict[str, Any]] = {"bad_age": {}, "bad_coordinates": {}}
    for what, value in numbers.items():
        bad["bad_age"][f"age_{what}"] = {"age": value}
        bad["bad_coordinates"][f"latitude_{what}"] = {"latitude": value}
        bad["bad_coordinates"][f"longitude_{what}"] = {"longitude": value}
    bad["bad_age"]["age_above"] = {"age": 150.001}
    bad["bad_coordinates"] |= {
        "latitude_above": {"latitude": 90.001},
        "longitude_below": {"longitude": -180.001},
        "latitude_bad_alone": {"latitude": 7777, "longitude": ABSENT},
        "longitude_bad_alone": {"latitude": None, "longitude": 7777},
    }
    bad["bad_gender"] = {
        "gender_number": {"gender": 7777},
        "gender_true": {"gender": True},
        "gender_list": {"gender": ["female"]},
    }
    bad["bad_country"] = {
        "country_name": {"country": "Britain"},
        "country_alpha_3": {"country": "GBR"},
        "country_number": {"country": 7777},
        "country_digit": {"country": "G1"},
        "country_one_letter": {"country": "G"},
        "country_sharp_s": {"country": "\u00df"},
        "country_ligature": {"country": "\ufb01"},
        "country_full_width": {"country": "\uff27\uff22"},
        "country_flag": {"country": "\U0001f1ec\U0001f1e7"},
        "country_surrogates": {"country": "\ud83c\udfff\ud83c"},
        "country_spaces": {"country": " GB "},
    }
    taken = {
        "age_nan": {"age": math.nan},
        "age_null": {"age": None},
        "age_underflow": {"age": "RAW:1e-400"},
        "age_minus_zero": {"age": "RAW:-0"},
        "age_empty": {"age": ""},
        "gender_nan": {"gender": math.nan},
        "gender_capitals": {"gender": "FEMALE"},
        "gender_emoji": {"gender": "\U0001f9d1"},
        "gender_surrogate": {"gender": "\ud800"},
        "gender_long": {"gender": "x" * 100_000},
        "country_small": {"country": "gb"},
        "country_empty": {"country": ""},
        "country_of_nobody": {"country": "QQ"},
        "latitude_alone": {"longitude": ABSENT},
        "longitude_alone": {"latitude": None},
        "latitude_nan": {"latitude": math.nan},
        "pole": {"latitude": -90, "longitude": 180},
    }
    return {
        **{n: Row(reason, fields) for reason, rows in bad.items() for n, fields in rows.items()},
        **{n: Row(WRITTEN, fields) for n, fields in taken.items()},
    }


def image_lines() -> dict[str, Row]:
    """Lines that say in odd ways where their image is."""
    text = encode(scene(), "PNG").hex()
    rows = {
        "image_absent": ("no_image", {"image": ABSENT}),
        "image_null": ("no_image", {"image": None}),
        "image_empty": ("no_image", {"image": ""}),
        "image_nan": ("no_image", {"image": math.nan}),
        "image_number": ("bad_image", {"image": 7777}),
        "image_list": ("bad_image", {"image": [f"{PRIVATE}.png"]}),
        "image_object": ("bad_image", {"image": {"path": f"{PRIVATE}.png"}}),
        "image_true": ("bad_image", {"image": True}),
        "image_zero_byte": ("bad_image", {"image": f"{PRIVATE}\0.png"}),
        "image_surrogate": ("bad_image", {"image": f"{PRIVATE}\ud800.png"}),
        "image_and_bytes": ("bad_image", {"image_bytes": text}),
        "image_bytes_as_text": ("bad_image", {"image": ABSENT, "image_bytes": text}),
        "image_and_descriptor": ("image_and_descriptor", {"descriptor": [1.0, 2.0]}),
        "image_long_name": ("image_missing", {"image": PRIVATE * 1000}),
        "image_long_path": ("image_missing", {"image": f"{PRIVATE}/" * 5000}),
        "image_newline": ("image_missing", {"image": f"{PRIVATE}\n.png"}),
        "image_dot": ("image_missing", {"image": "."}),
        "image_root": ("image_missing", {"image": "/"}),
        "image_up": ("image_missing", {"image": "../" * 50}),
        "image_below_a_file": ("image_missing", {"image": f"{PRIVATE}/{PRIVATE}-target/x.png"}),
        "image_zeros": ("image_missing", {"image": "/dev/zero"}),
        "image_terminal": ("image_missing", {"image": "/dev/tty"}),
        "image_no_scheme": ("image_missing", {"image": f"://{PRIVATE}"}),
        "image_unknown_scheme": ("image_missing", {"image": f"nosuch://{PRIVATE}/x.png"}),
        "image_file_scheme": ("image_missing", {"image": f"file:///{PRIVATE}/x.png"}),
        "image_data_scheme": ("image_missing", {"image": f"data:image/png;base64,{PRIVATE}"}),
    }
    if Path("/proc/self").exists():
        # Files without a size, some of which never end.
        rows["image_of_the_kernel"] = ("image_unreadable", {"image": "/proc/self/environ"})
        rows["image_memory"] = ("image_unreadable", {"image": "/proc/self/mem"})
    return {name: Row(reason, fields) for name, (reason, fields) in rows.items()}


def to_table(rows: dict[str, Row], **good: Any) -> pa.Table:
    """A table of rows; texts may be bytes that are no UTF-8, which Parquet does not check."""
    columns = list({field: None for row in rows.values() for field in row.fields})
    columns = list(dict.fromkeys(["post_id", *GOOD, *good, *columns]))
    table = [{"post_id": name, **GOOD, **good, **row.fields} for name, row in rows.items()]
    arrays = {}
    for column in columns:
        values = [row.get(column) for row in table]
        if column in ("post_id", "user_id", "image", "gender", "country"):
            arrays[column] = to_strings(values)
        elif column == "hashtags":
            ends = np.cumsum([0, *(len(tags or []) for tags in values)])
            flat = to_strings([tag for tags in values for tag in tags or []])
            mask = pa.array([tags is None for tags in values])
            arrays[column] = pa.ListArray.from_arrays(pa.array(ends, "int32"), flat, mask=mask)
        else:
            arrays[column] = pa.array(values)
    return pa.table(arrays)


def to_strings(values: list[str | bytes | None]) -> pa.Array:
    """A column of texts, whatever their bytes."""
    raw = [value.encode() if isinstance(value, str) else value for value in values]
    return pa.array(raw, pa.binary()).view(pa.string())


def parquet_rows() -> dict[str, Row]:
    """Rows of a Parquet file; good ones have `image_bytes`."""
    plain = encode(scene(), "PNG")
    rows = {
        "p_good": (WRITTEN, {}),
        "p_no_image": ("no_image", {"image_bytes": None}),
        "p_image_and_bytes": ("bad_image", {"image": f"{PRIVATE}.png"}),
        "p_empty_bytes": ("image_unreadable", {"image_bytes": b""}),
        "p_cut_bytes": ("image_unreadable", {"image_bytes": plain[:60]}),
        "p_text_bytes": ("image_unreadable", {"image_bytes": PRIVATE.encode()}),
        "p_post_id_not_utf8": ("malformed_row", {"post_id": b"\xff"}),
        "p_user_id_not_utf8": ("malformed_row", {"user_id": PRIVATE.encode() + b"\xff"}),
        "p_image_not_utf8": ("malformed_row", {"image": b"\xff.png", "image_bytes": None}),
        "p_tag_not_utf8": ("malformed_row", {"hashtags": ["good", b"\xed\xa0\x80"]}),
        "p_country_not_utf8": ("malformed_row", {"country": b"\xc0\xaf"}),
        "p_post_id_null": ("no_post_id", {"post_id": None}),
        "p_user_id_null": ("no_user_id", {"user_id": None}),
        "p_tags_null": ("no_hashtags", {"hashtags": None}),
        "p_tags_empty": ("no_hashtags", {"hashtags": []}),
        "p_tag_null": ("bad_hashtags", {"hashtags": ["good", None]}),
        "p_age_infinite": ("bad_age", {"age": math.inf}),
        "p_age_nan": (WRITTEN, {"age": math.nan}),
        "p_latitude_nan": (WRITTEN, {"latitude": math.nan}),
        "p_latitude_above": ("bad_coordinates", {"latitude": 777.25}),
        "p_twice": ("duplicate_post_id", {"post_id": "twice"}),
    }
    return {name: Row(expected, fields) for name, (expected, fields) in rows.items()}


def descriptor_lines(size: int) -> dict[str, Row]:
    """Lines with odd descriptors, where others have some of this size."""
    good = [0.5] * size
    bad = {
        "descriptor_length": {
            "longer": [*good, 0.5],
            "shorter": good[1:],
            "empty": [],
            "huge": [0.5] * 100_000,
        },
        "descriptor_not_finite": {
            "nan": [*good[1:], math.nan],
            "infinite": [*good[1:], -math.inf],
            "overflow": [*good[1:], "RAW:1e400"],
            "too_large_for_float16": [*good[1:], 65_520],
            "too_large_for_float32": [*good[1:], 1e39],
        },
        "bad_descriptor": {
            "text": PRIVATE,
            "base64": "AAAAPwAAAD8AAAA/AAAAPw==",
            "number": 7777,
            "object": dict.fromkeys(map(str, range(size)), 0.5),
            "true": True,
            "of_texts": ["0.5"] * size,
            "of_nulls": [*good[1:], None],
            "of_booleans": [True] * size,
            "of_objects": [{}] * size,
            "nested": [good] * size,
            "ragged": [[0.5] * number for number in range(size)],
            "deep": [f"RAW:{nest(20)}"] * size,
            "one_text": [*good[1:], PRIVATE],
            "huge_integer": [*good[1:], 10**400],
        },
        "no_image": {"null": None, "absent": ABSENT},
    }
    taken = {
        "zeros": [0] * size,
        "integers": list(range(size)),
        "largest_for_float16": [*good[1:], 65_504],
        "underflow": [*good[1:], 1e-300],
        "mixed": [1, *good[1:]],
        "large_integer": [*good[1:], 2**15],
    }
    return {
        **{
            f"descriptor_{name}": Row(reason, {"descriptor": value})
            for reason, values in bad.items()
            for name, value in values.items()
        },
        **{f"descriptor_{n}": Row(WRITTEN, {"descriptor": value}) for n, value in taken.items()},
        "descriptor_and_image": Row("image_and_descriptor", {"image": f"{PRIVATE}.png"}),
        "descriptor_and_bad_image": Row("bad_image", {"image": 7777}),
        "descriptor_of_no_user": Row("no_user_id", {"user_id": ABSENT, "descriptor": PRIVATE}),
    }


def parquet_descriptors(size: int) -> dict[str, Row]:
    """Rows of a Parquet file with a column of lists of floats."""
    good = [0.5] * size
    rows = {
        "q_good": (WRITTEN, good),
        "q_null": ("no_image", None),
        "q_empty": ("descriptor_length", []),
        "q_longer": ("descriptor_length", [*good, 0.5]),
        "q_nan": ("descriptor_not_finite", [*good[1:], math.nan]),
        "q_infinite": ("descriptor_not_finite", [*good[1:], math.inf]),
        "q_too_large": ("descriptor_not_finite", [*good[1:], 1e6]),
        "q_null_inside": ("bad_descriptor", [*good[1:], None]),
    }
    return {name: Row(expected, {"descriptor": value}) for name, (expected, value) in rows.items()}
