import dataclasses
import json

import pytest

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest

MANIFEST = Manifest(
    descriptor_size=4,
    descriptor_dtype="float16",
    num_tags=3,
    splits={"train": {"posts": 5, "shards": 1}},
    user_descriptor={"countries": ["US"], "location_decimals": 1, "size": 6},
    counts={"posts_read": 7, "rejected": {"bad_age": 2}},
)


def test_round_trip(tmp_path):
    MANIFEST.save(tmp_path)
    assert Manifest.load(tmp_path) == MANIFEST


def test_ignores_what_a_later_writer_of_the_format_adds(tmp_path):
    values = {**dataclasses.asdict(MANIFEST), "more": 1}
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    assert Manifest.load(tmp_path) == MANIFEST


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("{", "not JSON"),
        ("[]", "format version None"),
        ('{"format_version": 99}', "format version 99, this program reads 1"),
        ('{"format_version": 1}', "no 'descriptor_size'"),
    ],
)
def test_says_what_is_wrong_and_what_to_run(tmp_path, text, words):
    if text is not None:
        (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(UserError, match=words) as raised:
        Manifest.load(tmp_path)
    assert "dataset.json" in str(raised.value)
    assert "python -m beam.preprocess" in str(raised.value)
    assert "\n" not in str(raised.value)
