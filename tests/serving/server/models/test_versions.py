"""What is taken for a version on the disk, which are wanted, and what to do next."""

import os

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import ServingError
from serving.server.models.versions import State, VersionSource, next_step, wanted_versions

START, LOADING, AVAILABLE, END = State.START, State.LOADING, State.AVAILABLE, State.END
ALL = "model_version_policy { all {} }"
SPECIFIC = "model_version_policy { specific { versions: 2 versions: 7 } }"


def model(base_path="", policy=""):
    text = f'name: "tags" base_path: "{base_path}" {policy}'
    return text_format.Parse(text, model_server_config_pb2.ModelConfig())


def make(base_path, *names):
    for name in names:
        (base_path / name).mkdir()


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", [10]),
        ("model_version_policy { latest { num_versions: 2 } }", [3, 10]),
        ("model_version_policy { latest { num_versions: 0 } }", [10]),
        (ALL, [2, 3, 10]),
        (SPECIFIC, [2]),
    ],
)
def test_versions_that_a_policy_wants(policy, expected):
    assert wanted_versions({10, 2, 3}, model(policy=policy).model_version_policy) == expected
    assert wanted_versions([], model(policy=policy).model_version_policy) == []


@pytest.mark.parametrize(
    ("wanted", "unwanted", "expected"),
    [
        ({}, {}, None),
        ({1: START}, {}, ("load", 1)),
        ({1: START, 2: START}, {}, ("load", 2)),
        ({2: START}, {1: AVAILABLE}, ("load", 2)),  # the new one first ...
        ({2: LOADING}, {1: AVAILABLE}, None),
        ({2: AVAILABLE}, {1: AVAILABLE}, ("unload", 1)),  # ... then the old one
        ({2: END}, {1: AVAILABLE}, None),  # a broken one replaces nothing
        ({3: LOADING}, {1: AVAILABLE, 2: AVAILABLE}, ("unload", 1)),  # one old one is enough
        ({}, {1: AVAILABLE, 2: AVAILABLE}, ("unload", 1)),  # none is wanted
        ({}, {1: AVAILABLE}, ("unload", 1)),
        ({2: AVAILABLE, 3: START}, {1: AVAILABLE}, ("unload", 1)),
        ({2: AVAILABLE}, {1: END}, None),
        ({2: AVAILABLE, 3: END}, {1: State.UNLOADING}, None),
    ],
)
def test_next_step(wanted, unwanted, expected):
    assert next_step(wanted, unwanted) == expected


def test_names_that_are_versions(tmp_path):
    largest = 2**63 - 1
    make(tmp_path, "0", "2", "00000003", str(largest), "0" * 30 + "5")
    make(tmp_path, "v11", ".12.tmp", "9" * 30, str(largest + 1), "-4", "+6", " 8", "1_0", "٣")
    found = VersionSource().poll(model(tmp_path, ALL))
    assert list(found) == [0, 2, 3, 5, largest]
    assert found[3] == f"{tmp_path}/00000003"


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff", b"1\xb2", b"\xed\xa0\x80"])
def test_names_that_are_not_utf_8_are_passed_over(tmp_path, name):
    make(tmp_path, "1")
    make(tmp_path, os.fsdecode(name))
    assert VersionSource().poll(model(tmp_path)) == {1: f"{tmp_path}/1"}


def test_two_folders_of_a_version(tmp_path, caplog):
    make(tmp_path, "1", "001")
    source = VersionSource()
    for _ in range(2):
        assert source.poll(model(f"{tmp_path}/")) == {1: f"{tmp_path}/1"}
    (warning,) = caplog.messages
    assert "Duplicate version directories detected. Version 1" in warning


def test_a_specific_version_that_is_absent_is_told_once(tmp_path, caplog):
    make(tmp_path, "2")
    source = VersionSource()
    for _ in range(2):
        assert source.poll(model(tmp_path, SPECIFIC)) == {2: f"{tmp_path}/2"}
    assert len(caplog.messages) == 1
    assert "Version 7 of servable tags" in caplog.messages[0]
    make(tmp_path, "7")
    assert list(source.poll(model(tmp_path, SPECIFIC))) == [2, 7]


def test_no_versions_and_no_folder(tmp_path, caplog):
    make(tmp_path, "v1")
    source = VersionSource()
    for _ in range(2):
        assert source.poll(model(tmp_path)) == {}
        with pytest.raises(ServingError, match="INVALID_ARGUMENT: Could not find base path"):
            VersionSource().poll(model(tmp_path / "absent"))
    assert f"No versions of servable tags found under base path {tmp_path}" in caplog.messages[0]
